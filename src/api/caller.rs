//! What is checked of a caller before the statement that the request is for.

use crate::{
    auth::CurrentUser,
    db::Db,
    error::{ApiError, Result},
};

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

/// Refuses an API token: a script that was let in may not let in others, nor keep its owner out.
pub(super) async fn with_password(db: &Db, user: &CurrentUser) -> Result<()> {
    if user.token_hash().is_none() {
        return Ok(());
    }
    caller_first(db, user, Err(ApiError::Forbidden)).await
}
