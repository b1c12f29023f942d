//! Passwords and logins of accounts.

use chrono::{DateTime, Utc};

use super::{Admin, doors::StaffCaller};
use crate::{
    db::users::Credentials,
    error::{ApiError, Result, Unauthenticated},
};

/// A login or an API token of an account that goes on.
pub struct AccountSession {
    /// "Login", "Admin", or "API token".
    pub kind: String,
    /// The device of a login, or the name of an API token.
    pub name: String,
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

impl Admin {
    /// What the staff member's own password is checked against.
    pub async fn own_credentials(&self) -> Result<Credentials> {
        let credentials = sqlx::query_as!(
            Credentials,
            r#"
            with actor as materialized (select * from staff($1))
            select u.id as user_id, u.password_hash, u.is_active, u.is_staff, u.email, u.username, u.name
            from users u
            where u.id = (select id from actor)
            "#,
            StaffCaller::of(&self.staff) as _
        );
        let credentials = credentials.fetch_optional(self.db.reading_connection()).await?;
        credentials.ok_or_else(|| ApiError::from(Unauthenticated::NoCredentials(None)))
    }

    /// Changes the staff member's own password, and a trigger ends the other logins. False: it is no longer `old_hash`.
    pub async fn change_own_password(&self, old_hash: &str, new_hash: &str) -> Result<bool> {
        let changed = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from staff($1))
            update users u
            set password_hash = $3
            where u.id = (select id from actor) and u.password_hash = $2
            returning u.id
            "#,
            StaffCaller::of(&self.staff) as _,
            old_hash,
            new_hash
        );
        Ok(changed.fetch_optional(self.db.connection()).await?.is_some())
    }

    /// The latest logins and API tokens of an account that go on.
    pub async fn sessions_of(&self, id: i64) -> Result<Vec<AccountSession>> {
        let sessions = sqlx::query_as!(
            AccountSession,
            r#"
            with actor as materialized (select * from staff($1))
            select
                case
                    when s.token_hash is not null then 'API token'
                    when exists (select from admin_cookies c where c.session_id = s.id) then 'Admin'
                    else 'Login'
                end as "kind!",
                coalesce(s.name, s.user_agent) as "name!", s.address, s.created_at, s.last_used_at
            from sessions s
            where s.user_id = $2 and s.ended_at is null and s.expires_at > now() and exists (select from actor)
            order by s.id desc
            limit 50
            "#,
            StaffCaller::of(&self.staff) as _,
            id
        );
        Ok(sessions.fetch_all(self.db.reading_connection()).await?)
    }

    /// Ends the logins and API tokens of an account, and says how many there were. Those of staff are ended by superusers, and
    /// by themselves.
    pub async fn end_sessions(&self, id: i64) -> Result<i64> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from staff($1)),
            account as materialized (
                select u.id
                from users u, actor
                where u.id = $2 and (actor.is_superuser or u.id = actor.id or not (u.is_staff or u.is_superuser))),
            ended as (
                update sessions s
                set ended_at = now()
                from account
                where s.user_id = account.id and s.ended_at is null and s.expires_at > now()
                returning s.id)
            select (select count(*) from ended) as "count!"
            from account
            "#,
            StaffCaller::of(&self.staff) as _,
            id
        );
        match ended.fetch_optional(self.db.connection()).await? {
            Some(count) => Ok(count),
            None => self.check().await.and(Err(self.why_refused())),
        }
    }

    /// Gives an account another password, and a trigger ends its sessions. That of staff is set by superusers, and in another
    /// way by themselves.
    pub async fn set_password(&self, id: i64, hash: &str) -> Result<()> {
        let changed = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from staff($1))
            update users u
            set password_hash = $3
            from actor
            where u.id = $2 and (actor.is_superuser or not (u.is_staff or u.is_superuser))
            returning u.id
            "#,
            StaffCaller::of(&self.staff) as _,
            id,
            hash
        );
        match changed.fetch_optional(self.db.connection()).await? {
            Some(_) => Ok(()),
            None => self.check().await.and(Err(self.why_refused())),
        }
    }
}
