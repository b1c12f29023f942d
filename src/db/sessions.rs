//! Sessions: one for each login. The tokens of the login belong to it.

use chrono::{DateTime, Utc};

use super::{Db, Id, Model};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, Unauthenticated},
};

/// Where a login comes from.
pub struct Client {
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The address of the peer.
    pub address: String,
}

/// A login that goes on.
pub struct Session {
    pub id: i64,
    /// The `User-Agent` header of the login.
    pub user_agent: String,
    pub address: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// It is the caller's own.
    pub is_current: bool,
}

impl Model for Session {
    const NAME: &'static str = "Session";
    const NOUN: &'static str = "session";
}

/// A user's own logins: the only ones that can be reached.
pub struct Sessions<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Sessions<'_> {
    /// Those that go on, the latest first.
    pub async fn list(&self) -> Result<Vec<Session>> {
        let sessions = sqlx::query_as!(
            Session,
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select s.id, s.user_agent, s.address, s.created_at, s.last_used_at, s.expires_at,
                s.id = $2 as "is_current!"
            from sessions s
            where s.user_id = (select id from actor) and s.ended_at is null and s.expires_at > now()
            order by s.id desc
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id()
        );
        let sessions = sessions.fetch_all(self.db.connection()).await?;
        if sessions.is_empty() {
            self.db.check(self.user).await?;
        }
        Ok(sessions)
    }

    /// Ends one.
    pub async fn end(&self, id: Id<Session>) -> Result<()> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update sessions s
            set ended_at = now()
            where s.id = $4 and s.user_id = (select id from actor) and s.ended_at is null
            returning s.id
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id(),
            id.get()
        );
        let ended = ended.fetch_optional(self.db.connection()).await?;
        self.db.found(self.user, Session::NAME, ended).await.map(drop)
    }

    /// Ends the caller's own.
    pub async fn end_own(&self) -> Result<()> {
        self.end(Id::from(self.user.session_id())).await
    }

    /// Ends all but the caller's own.
    pub async fn end_others(&self) -> Result<()> {
        let ended = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update sessions s
            set ended_at = now()
            where s.user_id = (select id from actor) and s.id <> $2 and s.ended_at is null
            "#,
            self.user.id(),
            self.user.session_id(),
            self.user.request_id()
        );
        if ended.execute(self.db.connection()).await?.rows_affected() == 0 {
            self.db.check(self.user).await?;
        }
        Ok(())
    }
}

impl Db {
    /// The caller's own logins.
    pub fn sessions<'a>(&'a self, user: &'a CurrentUser) -> Sessions<'a> {
        Sessions { db: self, user }
    }

    /// Begins a session and returns its id. `None`: since the password was verified, the account was deactivated or its
    /// password was changed.
    pub async fn begin_session(
        &self,
        user_id: i64,
        password_hash: &str,
        expires_at: DateTime<Utc>,
        client: &Client,
        request_id: &str,
    ) -> Result<Option<i64>> {
        let session = sqlx::query_scalar!(
            r#"
            with actor as materialized (
                update users set last_login = now()
                where id = $1 and password_hash = $2 and is_active
                returning id, act_as(id, email, 'api', $6) as acts)
            insert into sessions (user_id, expires_at, user_agent, address)
            select actor.id, $3, $4, $5
            from actor
            returning id
            "#,
            user_id,
            password_hash,
            expires_at,
            client.user_agent,
            client.address,
            request_id
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(session)
    }

    /// Records that the session was used for a new access token. Fails if it has ended.
    pub async fn use_session(&self, user: &CurrentUser) -> Result<()> {
        let updated = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            update sessions set last_used_at = now()
            where id = $2 and user_id = (select id from actor)
            "#,
            user.id(),
            user.session_id(),
            user.request_id()
        )
        .execute(self.connection())
        .await?;
        if updated.rows_affected() == 1 {
            return Ok(());
        }
        let reason = match self.check(user).await {
            Err(ApiError::Unauthenticated(Unauthenticated::AccessToken(error))) => Unauthenticated::RefreshToken(error),
            Err(ApiError::Unauthenticated(_)) => Unauthenticated::NoActiveAccountForToken,
            Err(error) => return Err(error),
            Ok(()) => return Err(ApiError::Internal("a session that goes on could not be used".into())),
        };
        Err(reason.into())
    }
}
