//! Rows that were made under an `Idempotency-Key`, so that a POST that is sent twice makes one row.
//!
//! A trigger writes the key after the row, in the same statement, so there is never one without the other. If two requests
//! with one key come at once, the second one waits for the first, fails, and finds the row that the first one made.

use serde::de::DeserializeOwned;

use super::{Db, Model, caller::Caller, reads::Read};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, is_locked},
};

/// How many keys one statement deletes: at most 40 MB of answers.
const PURGED_AT_ONCE: i64 = 100;

/// The key of a request, and a hash of its body.
pub struct Key {
    pub key: String,
    pub fingerprint: Vec<u8>,
}

/// A row that was made: now, or by an earlier request with the same key.
pub struct Inserted<T> {
    pub row: T,
    pub is_replayed: bool,
}

impl<T> Inserted<T> {
    /// Made now.
    pub(super) fn now(row: T) -> Self {
        Self { row, is_replayed: false }
    }
}

/// The error of an INSERT. If it waited for a lock and has a key, another request with that key is under way.
pub(super) fn insert_error(key: Option<&Key>, error: sqlx::Error) -> ApiError {
    if key.is_some() && is_locked(&error) { ApiError::KEY_IN_USE } else { error.into() }
}

impl Db {
    /// The answer to a POST whose INSERT failed: the row that an earlier request with its key made, else the error. `route`
    /// is the argument of the table's trigger `remember_key`.
    pub(super) async fn replay<T: Model + DeserializeOwned>(
        &self,
        user: &CurrentUser,
        route: &str,
        key: Option<&Key>,
        error: ApiError,
    ) -> Result<Inserted<T>> {
        // a second statement would double the wait for a database that does not answer
        let is_final = matches!(error, ApiError::Unauthenticated(_) | ApiError::Unavailable(_) | ApiError::Busy(_));
        let Some(key) = key.filter(|_| !is_final) else { return Err(error) };
        match self.made_before::<T>(user, route, key).await? {
            Some(row) => {
                self.reads.record(Read::new(user, [row.subject()])).await?;
                Ok(Inserted { row, is_replayed: true })
            }
            None => Err(error),
        }
    }

    /// What an earlier request with this key made.
    async fn made_before<T: DeserializeOwned>(&self, user: &CurrentUser, route: &str, key: &Key) -> Result<Option<T>> {
        let before = sqlx::query!(
            r#"
            with actor as materialized (select * from actor($1))
            select k.fingerprint, k.answer::text as "answer!"
            from idempotency_keys k
            where k.user_id = (select id from actor) and k.route = $2 and k.key = $3
            "#,
            Caller::of(user) as _,
            route,
            key.key
        );
        match before.fetch_optional(self.reading_connection()).await? {
            None => Ok(None),
            Some(before) if before.fingerprint != key.fingerprint => Err(ApiError::KeyReused),
            Some(before) => serde_json::from_str(&before.answer)
                .map(Some)
                .map_err(|error| ApiError::Internal(format!("an answer that was kept: {error}"))),
        }
    }

    /// Deletes the keys that are older than a day, in batches, because all of them may take longer than a statement may.
    /// Rows that another server is deleting are skipped.
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
