//! The API tokens of a user: sessions that begin without a password, and are known by a hash.

use chrono::{DateTime, Utc};

use super::{Db, Id, Model, caller::Caller};
use crate::{
    auth::{CurrentUser, api_token::TokenHash},
    error::Result,
};

/// An API token that is good.
pub struct ApiToken {
    pub id: i64,
    /// What its owner calls it.
    pub name: String,
    /// It can't change anything.
    pub is_read_only: bool,
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute. None: never.
    pub last_used_at: Option<DateTime<Utc>>,
    /// None: it is good until it is ended.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Model for ApiToken {
    const NAME: &'static str = "Token";
    const NOUN: &'static str = "token";
}

/// An API token to make.
pub struct NewApiToken {
    pub name: String,
    pub is_read_only: bool,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A user's own API tokens: the only ones that can be reached.
pub struct ApiTokens<'a> {
    db: &'a Db,
    user: &'a CurrentUser,
}

impl Db {
    /// The caller's own API tokens.
    pub fn api_tokens<'a>(&'a self, user: &'a CurrentUser) -> ApiTokens<'a> {
        ApiTokens { db: self, user }
    }
}

impl ApiTokens<'_> {
    /// Those that are good, the latest first.
    pub async fn list(&self) -> Result<Vec<ApiToken>> {
        let tokens = sqlx::query_as!(
            ApiToken,
            r#"
            with actor as materialized (select * from actor($1))
            select s.id, s.name as "name!", s.is_read_only, s.created_at,
                nullif(s.last_used_at, s.created_at) as last_used_at,
                nullif(s.expires_at, timestamptz '9999-12-31 00:00Z') as expires_at
            from sessions s
            where s.user_id = (select id from actor) and s.ended_at is null and s.expires_at > now()
                and s.token_hash is not null
            order by s.id desc
            "#,
            Caller::of(self.user) as _
        );
        let tokens = tokens.fetch_all(self.db.reading_connection()).await?;
        if tokens.is_empty() {
            self.db.check(self.user).await?;
        }
        Ok(tokens)
    }

    /// Makes one. A token that is good for ever is good until the end of the year 9999.
    pub async fn create(&self, new: &NewApiToken, hash: &TokenHash) -> Result<ApiToken> {
        let token = sqlx::query_as!(
            ApiToken,
            r#"
            with actor as materialized (select * from actor($1))
            insert into sessions (user_id, name, is_read_only, expires_at, token_hash, user_agent, address)
            select actor.id, $2, $3, coalesce($4, timestamptz '9999-12-31 00:00Z'), $5, '', ($1::caller).address
            from actor
            returning id, name as "name!", is_read_only, created_at,
                nullif(last_used_at, created_at) as last_used_at,
                nullif(expires_at, timestamptz '9999-12-31 00:00Z') as expires_at
            "#,
            Caller::of(self.user) as _,
            new.name,
            new.is_read_only,
            new.expires_at,
            &hash[..]
        );
        let token = token.fetch_optional(self.db.connection()).await?;
        self.db.found(self.user, ApiToken::NAME, token).await
    }

    /// Ends one.
    pub async fn end(&self, id: Id<ApiToken>) -> Result<()> {
        let ended = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            update sessions s
            set ended_at = now()
            where s.id = $2 and s.user_id = (select id from actor) and s.ended_at is null
                and s.expires_at > now() and s.token_hash is not null
            returning s.id
            "#,
            Caller::of(self.user) as _,
            id.get()
        );
        let ended = ended.fetch_optional(self.db.connection()).await?;
        self.db.found(self.user, ApiToken::NAME, ended).await.map(drop)
    }
}
