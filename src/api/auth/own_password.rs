//! One's own password, asked for again before something that a stolen token must not do.

use crate::{
    auth::{CurrentUser, LoginThrottle, Passwords},
    db::{Db, users::Credentials},
    error::Result,
};

/// The caller's account, if the password is the right one. A wrong one counts as a failed login does: 429 after too many.
pub(super) async fn verify(
    db: &Db,
    passwords: &Passwords,
    throttle: &LoginThrottle,
    user: &CurrentUser,
    password: String,
) -> Result<Option<Credentials>> {
    let account = db.own_credentials(user).await?;
    let attempt = throttle.attempt(user.address(), &account.email);
    db.check_attempt(user.id(), &attempt, user.origin()).await?;
    if passwords.verify(password, Some(account.password_hash.clone())).await? {
        return Ok(Some(account));
    }
    db.record_failed_login(Some(user.id()), &attempt, user.origin()).await?;
    Ok(None)
}
