//! `/api/auth/register/`: new accounts.

use axum::{Extension, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::me::UserView;
use crate::{
    accounts::{self, Rank, Registration},
    api::answer::Created,
    auth::Passwords,
    db::Db,
    error::{Detail, Result},
    input::Body,
    request::RequestId,
};

/// The answer to a registration.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "user": { "id": 1, "name": "Alice Smith", "email": "alice@example.com", "username": "alice" },
    "message": "User registered successfully",
}))]
pub struct Registered {
    user: UserView,
    message: &'static str,
}

/// Register a new account.
#[utoipa::path(
    post, path = "/api/auth/register/", operation_id = "auth_register_create", tag = "auth", security(()),
    request_body = Registration,
    responses(
        (status = 201, description = "The account", body = Registered),
        (status = 400, body = Detail,
            examples(
                ("taken" = (value = json!({ "email": ["user with this email already exists."] }))),
                ("weak_password" = (value = json!({
                    "password": [
                        "This password is too short. It must contain at least 8 characters.",
                        "This password is too common.",
                    ],
                }))),
            )),
    ),
)]
pub async fn register(
    State(db): State<Db>,
    State(passwords): State<Passwords>,
    Extension(request_id): Extension<RequestId>,
    body: Body<Registration>,
) -> Result<Created<Registered>> {
    let account = accounts::read(&db, &body).await?;
    let user = accounts::create(&db, &passwords, account, Rank::User, request_id.as_str()).await?;
    Ok(Created(Registered { user: UserView::from(user), message: "User registered successfully" }))
}
