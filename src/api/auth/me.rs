//! `/api/auth/me/`: one's own account.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    api::answer::Json,
    auth::CurrentUser,
    db::{Db, users::User},
    error::{FieldErrors, Result},
    input::{ACCOUNT_LIMIT, Body, Input, Record},
};

const ASK: &str = "This can't be changed here; ask the operator of the server.";
const ONE_NAME: &str = "An account has one name; send it as name.";
const PASSWORD: &str =
    "The password can't be changed here; POST old_password and new_password to /api/auth/password/change/.";
const RIGHTS: &str =
    "Rights can't be changed here; the operator of the server makes a superuser with the command createsuperuser.";

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

    const REFUSED: &'static [(&'static str, &'static str)] = &[
        ("first_name", ONE_NAME),
        ("last_name", ONE_NAME),
        ("email", ASK),
        ("username", ASK),
        ("password", PASSWORD),
        ("old_password", PASSWORD),
        ("current_password", PASSWORD),
        ("new_password", PASSWORD),
        ("new_password1", PASSWORD),
        ("new_password2", PASSWORD),
        ("is_active", ASK),
        ("is_staff", RIGHTS),
        ("is_superuser", RIGHTS),
    ];

    fn into_new(self) -> Option<String> {
        self.name
    }
}

impl Record for ProfileInput {
    type Row = UserView;
    type Change = Option<String>;

    fn shown(account: &UserView) -> Value {
        json!(account)
    }

    fn into_change(self, _: Option<&UserView>) -> Option<String> {
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
///
/// What `GET` shows may be sent back with it. Another email, username or password is refused: it can't be changed here.
#[utoipa::path(
    patch, path = "/api/auth/me/", operation_id = "auth_me_partial_update", tag = "auth",
    request_body = ProfileInput,
    responses(
        (status = 200, description = "The account", body = UserView),
        (status = 400, body = FieldErrors, examples(("refused" = (value = json!({ "password": [PASSWORD] }))))),
    ),
)]
pub async fn partial_update(
    user: CurrentUser,
    State(db): State<Db>,
    body: Body<ProfileInput>,
) -> Result<Json<UserView>> {
    let account = UserView::from(db.account(&user).await?);
    let name = body.partial_update(&account)?;
    db.rename(&user, name.as_deref()).await.map(UserView::from).map(Json)
}
