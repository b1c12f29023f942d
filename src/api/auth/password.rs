//! `/api/auth/password/change/`: another password.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::own_password;
use crate::{
    api::{
        answer::{Empty, Json},
        caller::{caller_first, with_password},
        parameters::Format,
    },
    auth::{CurrentUser, LoginThrottle, Passwords},
    db::Db,
    error::{ApiError, FieldErrors, Result},
    input::{self, ACCOUNT_LIMIT, Body, Input},
};

/// The old password and a new one.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = PasswordChangeRequest, example = json!({ "old_password": "StrongPass123", "new_password": "StrongerPass456" }))]
pub struct PasswordChange {
    #[validate(length(min = 1))]
    #[serde(deserialize_with = "input::password")]
    old_password: Option<String>,
    /// The rules are those of registration.
    #[validate(length(min = 1, max = 1000))]
    #[serde(deserialize_with = "input::password")]
    new_password: Option<String>,
}

impl Input for PasswordChange {
    type New = (String, String);

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("old_password", &[]), ("new_password", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<(String, String)> {
        Some((self.old_password?, self.new_password?))
    }
}

/// Change your password.
///
/// Your other logins and your API tokens end.
#[utoipa::path(
    post, path = "/api/auth/password/change/", operation_id = "auth_password_change_create", tag = "auth",
    params(Format), request_body = PasswordChange,
    responses((status = 200, description = "The password is changed", body = Empty)),
)]
pub async fn change(
    user: CurrentUser,
    State(db): State<Db>,
    State(passwords): State<Passwords>,
    State(throttle): State<LoginThrottle>,
    body: Body<PasswordChange>,
) -> Result<Json<Empty>> {
    with_password(&db, &user).await?;
    let (old, new) = caller_first(&db, &user, body.new_value()).await?;
    let wrong = || {
        let message = "Your old password was entered incorrectly. Please enter it again.";
        ApiError::Invalid(FieldErrors::one("old_password", message))
    };
    let account = own_password::verify(&db, &passwords, &throttle, &user, old).await?.ok_or_else(wrong)?;
    let username = account.username.as_deref().unwrap_or_default();
    let attributes = [("username", username), ("name", &account.name), ("email", &account.email)];
    let errors = passwords.validate(&new, &attributes).into_iter().map(|message| ("new_password".into(), message));
    let errors: FieldErrors = errors.collect();
    if !errors.is_empty() {
        return Err(ApiError::Invalid(errors));
    }
    let hash = passwords.hash(new).await?;
    // nothing is written if the password was changed meanwhile
    if db.change_own_password(&user, &account.password_hash, &hash).await? {
        Ok(Json(Empty::default()))
    } else {
        Err(wrong())
    }
}
