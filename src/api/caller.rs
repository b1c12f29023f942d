//! The 401 comes first.

use crate::{auth::CurrentUser, db::Db, error::Result};

/// The value that was read of a request. If it is an error, a caller whose account is inactive or whose login has ended
/// gets the 401 instead.
///
/// Statements check the caller themselves. This is for requests that fail before their statement.
pub(super) async fn caller_first<T>(db: &Db, user: &CurrentUser, read: Result<T>) -> Result<T> {
    if read.is_err() {
        db.check(user).await?;
    }
    read
}
