//! The logins of a user that go on. Each is a session, which the tokens of the login belong to.

use chrono::{DateTime, Utc};

use super::{Db, Id, Model, caller::Caller};
use crate::{auth::CurrentUser, error::Result};

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
            with actor as materialized (select * from actor($1))
            select s.id, s.user_agent, s.address, s.created_at, s.last_used_at, s.expires_at,
                s.id = (select session_id from actor) as "is_current!"
            from sessions s
            where s.user_id = (select id from actor) and s.ended_at is null and s.expires_at > now()
                and s.token_hash is null
            order by s.id desc
            "#,
            Caller::of(self.user) as _
        );
        let sessions = sessions.fetch_all(self.db.reading_connection()).await?;
        if sessions.is_empty() {
            self.db.check(self.user).await?;
        }
        Ok(sessions)
    }

    /// Ends one.
    pub async fn end(&self, id: Id<Session>) -> Result<()> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            update sessions s
            set ended_at = now()
            where s.id = $2 and s.user_id = (select id from actor) and s.ended_at is null and s.token_hash is null
            returning s.id
            "#,
            Caller::of(self.user) as _,
            id.get()
        );
        let ended = ended.fetch_optional(self.db.connection()).await?;
        self.db.found(self.user, Session::NAME, ended).await.map(drop)
    }

    /// Ends the caller's own, which may be that of an API token.
    pub async fn end_own(&self) -> Result<()> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            update sessions s
            set ended_at = now()
            where s.id = (select session_id from actor) and s.ended_at is null
            returning s.id
            "#,
            Caller::of(self.user) as _
        );
        let ended = ended.fetch_optional(self.db.connection()).await?;
        self.db.found(self.user, Session::NAME, ended).await.map(drop)
    }

    /// Ends all but the caller's own.
    pub async fn end_others(&self) -> Result<()> {
        let ended = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1))
            update sessions s
            set ended_at = now()
            where s.user_id = (select id from actor) and s.id <> (select session_id from actor)
                and s.ended_at is null and s.token_hash is null
            "#,
            Caller::of(self.user) as _
        );
        if ended.execute(self.db.connection()).await?.rows_affected() == 0 {
            self.db.check(self.user).await?;
        }
        Ok(())
    }
}

/// How many rows one statement deletes.
const PURGED_AT_ONCE: i64 = 1000;

impl Db {
    /// Deletes the logins and API tokens that have been over for 30 days, in batches. Rows that are in use are skipped.
    pub async fn purge_sessions(&self) -> Result<u64> {
        let mut purged = 0;
        loop {
            let batch = sqlx::query!(
                r#"
                delete from sessions
                where id = any(array(
                    select id
                    from sessions
                    where least(ended_at, expires_at) < now() - interval '30 days'
                    order by least(ended_at, expires_at)
                    limit $1
                    for update skip locked))
                "#,
                PURGED_AT_ONCE
            )
            .execute(self.connection())
            .await?;
            purged += batch.rows_affected();
            if i64::try_from(batch.rows_affected()) != Ok(PURGED_AT_ONCE) {
                return Ok(purged);
            }
        }
    }

    /// The caller's own logins.
    pub fn sessions<'a>(&'a self, user: &'a CurrentUser) -> Sessions<'a> {
        Sessions { db: self, user }
    }
}
