//! The caller comes first.

use crate::{auth::CurrentUser, db::Db, error::Result};

/// What was read of a request; but if that is an error, a caller who is no longer one gets the 401 in its place.
///
/// Statements check the caller themselves. This is for requests that are refused before there is one.
pub(super) async fn caller_first<T>(db: &Db, user: &CurrentUser, read: Result<T>) -> Result<T> {
    if read.is_err() {
        db.check(user).await?;
    }
    read
}
