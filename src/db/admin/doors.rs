//! Logins to the admin: sessions like any other, each with a cookie.

use chrono::{DateTime, Utc};

use super::Admin;
use crate::{
    auth::{Attempt, Staff, staff::CookieSecret},
    db::{
        Db,
        login_failures::{interval, intervals},
        users::Credentials,
    },
    error::{ApiError, Result, Unauthenticated},
    request::Origin,
};

/// The type `staff_caller` of the database.
#[derive(Clone, sqlx::Type)]
#[sqlx(type_name = "staff_caller")]
pub(in crate::db) struct StaffCaller {
    cookie_hash: Vec<u8>,
    request_id: String,
    address: String,
}

impl StaffCaller {
    pub(in crate::db) fn of(staff: &Staff) -> Self {
        Self {
            cookie_hash: staff.cookie_hash().to_vec(),
            request_id: staff.request_id().to_owned(),
            address: staff.address().to_string(),
        }
    }
}

/// Whoever works at the admin.
#[derive(Clone)]
pub struct Member {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub is_superuser: bool,
    pub session_id: i64,
    pub last_login: Option<DateTime<Utc>>,
}

impl Db {
    /// Begins a session with this cookie. False: since the password was verified, the account was deactivated, is no longer
    /// staff, got another password, or too many logins have failed.
    pub async fn begin_admin_session(
        &self,
        account: &Credentials,
        cookie: &CookieSecret,
        user_agent: &str,
        attempt: &Attempt,
        origin: &Origin,
    ) -> Result<bool> {
        let cookie_hash = cookie.hash();
        let begun = sqlx::query_scalar!(
            r#"
            with actor as materialized (
                update users set last_login = now()
                where id = $1 and password_hash = $2 and is_active and is_staff
                    and coalesce(login_wait($7, $8, $9), 0) <= 0
                returning id, act_as(id, email, 'admin', $5, $6) as acts),
            session as (
                insert into sessions (user_id, expires_at, user_agent, address)
                select actor.id, admin_expiry(now()), $4, $6
                from actor
                returning id)
            insert into admin_cookies (hash, session_id)
            select $3, session.id
            from session
            returning session_id
            "#,
            account.user_id,
            account.password_hash,
            &cookie_hash[..],
            user_agent,
            origin.id.as_str(),
            origin.address.to_string(),
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period)
        );
        Ok(begun.fetch_optional(self.connection()).await?.is_some())
    }

    /// Lets staff work at the admin: 401 if the login is over, or the account is inactive or no longer staff. Their login goes
    /// on for half an hour from now.
    pub async fn admin(&self, staff: Staff) -> Result<Admin> {
        let member = self.member(&staff).await?;
        Ok(Admin { db: self.clone(), staff, member })
    }

    async fn member(&self, staff: &Staff) -> Result<Member> {
        let member = sqlx::query_as!(
            Member,
            r#"
            with actor as materialized (select * from staff($1)),
            used as (
                update sessions s
                set last_used_at = now(), expires_at = admin_expiry(s.created_at)
                from actor
                where s.id = actor.session_id and s.last_used_at < now() - interval '1 minute')
            select actor.id as "id!", actor.email as "email!", actor.name as "name!",
                actor.is_superuser as "is_superuser!", actor.session_id as "session_id!", u.last_login
            from actor
            join users u on u.id = actor.id
            "#,
            StaffCaller::of(staff) as _
        );
        let member = member.fetch_optional(self.connection()).await?;
        member.ok_or_else(|| Unauthenticated::NoCredentials(None).into())
    }
}

impl Admin {
    /// 401 if the login is over.
    pub async fn check(&self) -> Result<()> {
        self.db.member(&self.staff).await.map(drop)
    }

    /// Ends the login.
    pub async fn log_out(&self) -> Result<()> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from staff($1))
            update sessions s
            set ended_at = now()
            from actor
            where s.id = actor.session_id and s.ended_at is null
            returning s.id
            "#,
            StaffCaller::of(&self.staff) as _
        );
        let ended = ended.fetch_optional(self.db.connection()).await?;
        ended.map(drop).ok_or_else(|| ApiError::from(Unauthenticated::NoCredentials(None)))
    }
}
