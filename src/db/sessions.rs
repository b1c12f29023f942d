//! Sessions: one for each login. The tokens of the login belong to it.

use chrono::{DateTime, Utc};

use super::Db;
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

impl Db {
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
