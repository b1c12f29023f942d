//! `/api/auth/me/`: one's own account.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    api::{answer::Json, caller::caller_first},
    auth::CurrentUser,
    db::{Db, users::User},
    error::Result,
    input::{ACCOUNT_LIMIT, Body, Input},
};

/// An account.
#[derive(Serialize, ToSchema)]
#[schema(as = User, example = json!({
    "id": 1, "name": "Alice Smith", "email": "alice@example.com", "username": "alice",
}))]
pub struct UserView {
    id: i64,
    name: String,
    email: String,
    /// The e-mail address, if the account has no username.
    username: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let username = user.username.unwrap_or_else(|| user.email.clone());
        Self { id: user.id, name: user.name, email: user.email, username }
    }
}

/// What you can change of your own account.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = UserRequest, example = json!({ "name": "Alice Smith" }))]
pub struct ProfileInput {
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
}

impl Input for ProfileInput {
    type New = String;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("name", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<String> {
        self.name
    }
}

/// Read your own account.
#[utoipa::path(
    get, path = "/api/auth/me/", operation_id = "auth_me_retrieve", tag = "auth",
    responses((status = 200, description = "The account", body = UserView)),
)]
pub async fn retrieve(user: CurrentUser, State(db): State<Db>) -> Result<Json<UserView>> {
    db.account(&user).await.map(UserView::from).map(Json)
}

/// Change your own name.
#[utoipa::path(
    patch, path = "/api/auth/me/", operation_id = "auth_me_partial_update", tag = "auth",
    request_body = ProfileInput,
    responses((status = 200, description = "The account", body = UserView)),
)]
pub async fn partial_update(
    user: CurrentUser,
    State(db): State<Db>,
    body: Body<ProfileInput>,
) -> Result<Json<UserView>> {
    let profile = caller_first(&db, &user, body.partial()).await?;
    db.rename(&user, profile.name.as_deref()).await.map(UserView::from).map(Json)
}
