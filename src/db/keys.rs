//! What was made under an `Idempotency-Key`, so that a POST that is sent again makes nothing again.
//!
//! The key is written by the statement that makes the row, behind it: so there is never one without the other, and of
//! two requests at once the second one waits for the first, fails, and finds what the first one made.

use serde::de::DeserializeOwned;

use super::Db;
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result},
};

/// How many keys one statement forgets: 40 MB of answers at most.
const PURGED_AT_ONCE: i64 = 100;

/// The key of a request, and what tells its body from another.
pub struct Key {
    pub key: String,
    pub fingerprint: Vec<u8>,
}

/// A row that was made: now, or by an earlier request with the same key.
pub struct Made<T> {
    pub row: T,
    pub is_replayed: bool,
}

impl Db {
    /// What a statement that makes a row comes to. Whatever it failed by, a request that came before with the same key
    /// may be why, unless the database was away: then nothing is asked of it again. `route` is the table.
    pub(super) async fn made<T: DeserializeOwned>(
        &self,
        user: &CurrentUser,
        route: &str,
        key: Option<&Key>,
        row: Result<T>,
    ) -> Result<Made<T>> {
        let (fault, key) = match (row, key) {
            (Ok(row), _) => {
                return Ok(Made { row, is_replayed: false });
            }
            (Err(fault), None) | (Err(fault @ ApiError::Unavailable(_)), _) => return Err(fault),
            (Err(fault), Some(key)) => (fault, key),
        };
        match (self.made_before(user, route, key).await?, fault) {
            (Some(row), _) => Ok(Made { row, is_replayed: true }),
            (None, ApiError::Locked(_)) => Err(ApiError::KeyInUse),
            (None, fault) => Err(fault),
        }
    }

    async fn made_before<T: DeserializeOwned>(&self, user: &CurrentUser, route: &str, key: &Key) -> Result<Option<T>> {
        let before = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1, $2, $3))
            select k.fingerprint, k.answer::text as "answer!"
            from idempotency_keys k
            where k.user_id = (select id from actor) and k.route = $4 and k.key = $5
            "#,
            user.id(),
            user.session_id(),
            user.request_id(),
            route,
            key.key
        )
        .fetch_optional(self.connection())
        .await?;
        match before {
            None => Ok(None),
            Some(before) if before.fingerprint != key.fingerprint => Err(ApiError::KeyReused),
            Some(before) => serde_json::from_str(&before.answer)
                .map(Some)
                .map_err(|error| ApiError::Internal(format!("an answer that was kept: {error}"))),
        }
    }

    /// Forgets the keys of yesterday, a batch at a time: all of them may take longer than a statement has. What another
    /// server is purging is left to it.
    pub async fn purge_keys(&self) -> Result<u64> {
        let mut purged = 0;
        loop {
            let batch = sqlx::query!(
                r#"
                delete from idempotency_keys
                where ctid = any(array(
                    select ctid
                    from idempotency_keys
                    where created_at < now() - interval '24 hours'
                    order by created_at
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
