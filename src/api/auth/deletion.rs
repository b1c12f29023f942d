//! `DELETE /api/auth/me/`: the end of one's own account.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::own_password;
use crate::{
    api::{
        answer::NoContent,
        caller::{caller_first, with_password},
        parameters::Format,
    },
    auth::{CurrentUser, LoginThrottle, Passwords},
    db::{Db, users::Deletion},
    error::{ApiError, Detail, FieldErrors, Result},
    input::{self, ACCOUNT_LIMIT, Body, Input},
};

const LAST_SUPERUSER: ApiError = ApiError::Conflict("This is the last superuser; make another one first.");

/// The password of the account.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = AccountDeletionRequest, example = json!({ "password": "StrongPass123" }))]
pub struct AccountDeletion {
    #[validate(length(min = 1))]
    #[serde(deserialize_with = "input::password")]
    password: Option<String>,
}

impl Input for AccountDeletion {
    type New = String;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("password", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<String> {
        self.password
    }
}

/// Delete your account.
///
/// Your patients are deleted with it, and its tokens stop working at once. What the audit says of it stays.
#[utoipa::path(
    delete, path = "/api/auth/me/", operation_id = "auth_me_destroy", tag = "auth",
    params(Format), request_body = AccountDeletion,
    responses(
        (status = 204, description = "Deleted"),
        (status = 409, description = "It is the last superuser.", body = Detail,
            examples(("last_superuser" = (value = json!(LAST_SUPERUSER.body()))))),
    ),
)]
pub async fn destroy(
    user: CurrentUser,
    State(db): State<Db>,
    State(passwords): State<Passwords>,
    State(throttle): State<LoginThrottle>,
    body: Body<AccountDeletion>,
) -> Result<NoContent> {
    with_password(&db, &user).await?;
    let password = caller_first(&db, &user, body.new_value()).await?;
    let wrong = || ApiError::Invalid(FieldErrors::one("password", "Invalid password."));
    let account = own_password::verify(&db, &passwords, &throttle, &user, password).await?.ok_or_else(wrong)?;
    match db.delete_own_account(&user, &account.password_hash).await? {
        Deletion::Done => Ok(NoContent),
        Deletion::LastSuperuser => Err(LAST_SUPERUSER),
        Deletion::OtherPassword => Err(wrong()),
    }
}
