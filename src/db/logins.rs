//! The beginning of a login, and its refresh tokens.

use chrono::{DateTime, Utc};

use super::{
    Db,
    caller::Caller,
    login_failures::{interval, intervals},
};
use crate::{
    auth::{Attempt, RefreshToken},
    error::{ApiError, Result, TokenError, Unauthenticated},
    request::Origin,
};

/// A login that begins.
pub struct NewLogin<'a> {
    pub user_id: i64,
    /// The hash that the password was verified against.
    pub password_hash: &'a str,
    /// The id of the first refresh token.
    pub refresh_id: &'a str,
    pub expires_at: DateTime<Utc>,
    /// The `User-Agent` header.
    pub user_agent: &'a str,
}

/// A refresh token that takes the place of the one that is used.
pub struct Rotation {
    /// Its id.
    pub id: String,
    pub expires_at: DateTime<Utc>,
}

impl Db {
    /// Begins a session and returns its id. `None`: since the password was verified, the account was deactivated, its password
    /// was changed, or too many logins have failed.
    pub async fn begin_session(&self, login: &NewLogin<'_>, attempt: &Attempt, origin: &Origin) -> Result<Option<i64>> {
        let session = sqlx::query_scalar!(
            r#"
            with actor as materialized (
                update users set last_login = now()
                where id = $1 and password_hash = $2 and is_active and coalesce(login_wait($8, $9, $10), 0) <= 0
                returning id, act_as(id, email, 'api', $6, $7) as acts)
            insert into sessions (user_id, refresh_jti, expires_at, user_agent, address)
            select actor.id, $3, $4, $5, $7
            from actor
            returning id
            "#,
            login.user_id,
            login.password_hash,
            login.refresh_id,
            login.expires_at,
            login.user_agent,
            origin.id.as_str(),
            origin.address.to_string(),
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period)
        )
        .fetch_optional(self.connection())
        .await?;
        if session.is_some() {
            self.logins.succeeded();
        }
        Ok(session)
    }

    /// Stores a password that was verified as another hash. False: the hash is no longer `old_hash`.
    pub async fn renew_hash(&self, user_id: i64, old_hash: &str, new_hash: &str, origin: &Origin) -> Result<bool> {
        // nobody changes a password by it: the actor is the system
        let renewed = sqlx::query!(
            r#"
            with actor as materialized (
                select act_as(0, 'system', 'system', $4, $5) as acts, about('password_upgraded') as event)
            update users u
            set password_hash = $3
            from actor
            where u.id = $1 and u.password_hash = $2
            "#,
            user_id,
            old_hash,
            new_hash,
            origin.id.as_str(),
            origin.address.to_string()
        );
        Ok(renewed.execute(self.connection()).await?.rows_affected() == 1)
    }

    /// Uses a refresh token, and returns the id of the one that is good from now on. With `rotation` that is a new one; but
    /// one that was made in the last 10 seconds stays, and the one before it is good as long, because tabs of a browser
    /// refresh at the same time, and answers get lost. Any other one was stolen, or its successor was: the login ends.
    pub async fn refresh(&self, token: &RefreshToken, rotation: Option<&Rotation>) -> Result<String> {
        let used = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1)),
            session as materialized (
                select s.id, coalesce(s.refresh_jti, $2) = $2 as is_good,
                    coalesce(s.rotated_at > now() - interval '10 seconds', false) as is_new,
                    coalesce(s.previous_refresh_jti = $2, false) as is_previous
                from sessions s
                where s.id = (select session_id from actor) and s.ended_at is null
                for update),
            judged as materialized (
                select id, is_good and not is_new and $3::text is not null as is_rotated,
                    case when not (is_good or is_previous and is_new) then about('refresh_reused') end as reused
                from session)
            update sessions s
            set last_used_at = now(),
                ended_at = case when reused is not null then now() end,
                previous_refresh_jti = case when is_rotated then $2 else s.previous_refresh_jti end,
                refresh_jti = case when is_rotated then $3 else coalesce(s.refresh_jti, $2) end,
                rotated_at = case when is_rotated then now() else s.rotated_at end,
                expires_at = case when is_rotated then $4 else s.expires_at end
            from judged
            where s.id = judged.id
            returning s.refresh_jti as "refresh_id!", s.ended_at is not null as "is_ended!"
            "#,
            Caller::of(&token.user) as _,
            token.id,
            rotation.map(|rotation| rotation.id.as_str()),
            rotation.map(|rotation| rotation.expires_at)
        )
        .fetch_optional(self.connection())
        .await?;
        match used {
            Some(used) if !used.is_ended => Ok(used.refresh_id),
            Some(_) => Err(Unauthenticated::RefreshToken(TokenError::Blacklisted).into()),
            None => Err(self.why_no_refresh(token).await),
        }
    }

    /// Ends the login of a refresh token.
    pub async fn blacklist(&self, token: &RefreshToken) -> Result<()> {
        match self.sessions(&token.user).end_own().await {
            Err(ApiError::Unauthenticated(_)) => Err(self.why_no_refresh(token).await),
            ended => ended,
        }
    }

    /// Why a refresh token is not good, in simplejwt's words.
    async fn why_no_refresh(&self, token: &RefreshToken) -> ApiError {
        match self.check(&token.user).await {
            Err(ApiError::Unauthenticated(Unauthenticated::AccessToken(_))) | Ok(()) => {
                Unauthenticated::RefreshToken(TokenError::Blacklisted).into()
            }
            Err(ApiError::Unauthenticated(_)) => Unauthenticated::NoActiveAccountForToken.into(),
            Err(error) => error,
        }
    }
}
