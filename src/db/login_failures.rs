//! Failed logins, which all servers share.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

use super::{Db, users::Credentials};
use crate::{
    auth::Attempt,
    error::{ApiError, Result},
    request::Origin,
};

/// How many rows one statement deletes.
const PURGED_AT_ONCE: i64 = 1000;

/// An interval of the database.
pub(super) fn interval(duration: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX) }
}

/// The same of each.
pub(super) fn intervals(durations: &[Duration]) -> Vec<PgInterval> {
    durations.iter().copied().map(interval).collect()
}

/// 429 while there is something to wait for.
fn waited(seconds: Option<i64>) -> Result<()> {
    match seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        None | Some(0) => Ok(()),
        Some(seconds) => Err(ApiError::Throttled(seconds)),
    }
}

impl Db {
    /// The account with this e-mail address or username, in any case of letters. 429 if too many logins have failed, which
    /// comes first, so that it tells nobody whether there is such an account.
    pub async fn credentials(&self, login: &str, attempt: &Attempt, origin: &Origin) -> Result<Option<Credentials>> {
        let row = sqlx::query!(
            r#"
            select login_wait($2, $3, $4) as wait, u.id as "id?", u.password_hash as "password_hash?",
                u.is_active as "is_active?", u.is_staff as "is_staff?", u.email as "email?", u.username, u.name as "name?"
            from (select) one
            left join (
                select id, password_hash, is_active, is_staff, email, username, name
                from users
                where lower(email) = lower($1) or lower(username) = lower($1)
                order by lower(email) = lower($1) desc
                limit 1) u on true
            "#,
            login,
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period)
        )
        .fetch_one(self.reading_connection())
        .await?;
        if let Err(error) = waited(row.wait) {
            self.record_throttled(row.id, attempt, origin).await?;
            return Err(error);
        }
        let credentials = || {
            Some(Credentials {
                user_id: row.id?,
                password_hash: row.password_hash?,
                is_active: row.is_active?,
                is_staff: row.is_staff?,
                email: row.email?,
                username: row.username,
                name: row.name?,
            })
        };
        Ok(credentials())
    }

    /// Counts a failed login, and writes down whose account it was, if anybody's. If so many fail at the same time that this
    /// one should not have been tried, it is 429: the answer does not say that the password is wrong.
    pub async fn record_failed_login(&self, user_id: Option<i64>, attempt: &Attempt, origin: &Origin) -> Result<()> {
        let counted = sqlx::query!(
            r#"
            with failed as (
                insert into login_failures as f (key, until)
                select t.key, now() + t.spacing
                from unnest($1::bytea[], $2::interval[]) as t (key, spacing)
                on conflict (key) do update
                set until = least(greatest(f.until, now()), now() + $3) + (excluded.until - now())
                returning f.key, f.until),
            recorded as materialized (select record_event('login_failed', $4, $5, $6, $7))
            select bool_or(f.until > now() + $3) as is_over,
                ceil(extract(epoch from max(f.until + t.spacing) - $3 - now()))::bigint as wait
            from recorded
            left join failed f on true
            left join unnest($1, $2) as t (key, spacing) on t.key = f.key
            "#,
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period),
            user_id,
            origin.id.as_str(),
            origin.address.to_string(),
            attempt.via.as_str()
        )
        .fetch_one(self.connection())
        .await?;
        self.logins.failed();
        waited(counted.wait.filter(|_| counted.is_over == Some(true)))
    }

    /// 429 if too many attempts have failed to try another one.
    pub async fn check_attempt(&self, user_id: i64, attempt: &Attempt, origin: &Origin) -> Result<()> {
        let wait = sqlx::query_scalar!(
            "select login_wait($1, $2, $3)",
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period)
        );
        let waited = waited(wait.fetch_one(self.connection()).await?);
        if waited.is_err() {
            self.record_throttled(Some(user_id), attempt, origin).await?;
        }
        waited
    }

    /// Writes down that a login was not tried, once a period for each key.
    async fn record_throttled(&self, user_id: Option<i64>, attempt: &Attempt, origin: &Origin) -> Result<()> {
        self.logins.throttled();
        sqlx::query!(
            r#"
            with throttled as (
                update login_failures f
                set throttled_at = now()
                from unnest($1::bytea[], $2::interval[]) as t (key, spacing)
                where f.key = t.key and f.until + t.spacing > now() + $3
                    and coalesce(f.throttled_at < now() - $3, true)
                returning f.key)
            select record_event('throttled', $4, $5, $6, $7) from throttled limit 1
            "#,
            &attempt.keys,
            &intervals(&attempt.spacings),
            interval(attempt.period),
            user_id,
            origin.id.as_str(),
            origin.address.to_string(),
            attempt.via.as_str()
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(())
    }

    /// Deletes what no longer counts, in batches. Rows that are in use are skipped.
    pub async fn purge_login_failures(&self) -> Result<u64> {
        let mut purged = 0;
        loop {
            let batch = sqlx::query!(
                r#"
                delete from login_failures
                where ctid = any(array(
                    select ctid
                    from login_failures
                    where until < now()
                    order by until
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
}
