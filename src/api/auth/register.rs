//! `/api/auth/register/`: new accounts.

use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::me::UserView;
use crate::{
    accounts::{self, Registration},
    api::{answer::Created, caller::with_password, parameters::Format},
    auth::{Passwords, Registrar, password::MIN_LENGTH},
    config::PasswordRule,
    db::{Db, users::Rank},
    error::{Detail, Result},
    input::Body,
    request::Origin,
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
///
/// If the server has closed registration (`REGISTRATION`), only staff may, with their own token.
#[utoipa::path(
    post, path = "/api/auth/register/", operation_id = "auth_register_create", tag = "auth", security(()),
    params(Format), request_body = Registration,
    responses(
        (status = 201, description = "The account", body = Registered),
        (status = 400, body = Detail,
            examples(("taken" = (value = json!({ "email": ["user with this email already exists."] }))))),
        (status = 403, description = "Registration is closed, and you are not staff", body = Detail,
            example = json!({ "detail": "You do not have permission to perform this action." })),
    ),
)]
pub async fn register(
    registrar: Registrar,
    State(db): State<Db>,
    State(passwords): State<Passwords>,
    origin: Origin,
    body: Body<Registration>,
) -> Result<Created<Registered>> {
    if let Some(staff) = registrar.user() {
        db.check_staff(staff).await?;
        with_password(&db, staff).await?;
    }
    let account = accounts::read(&db, &passwords, &body).await?;
    let new = accounts::hashed(&passwords, account, Rank::User).await?;
    let user = match registrar.user() {
        Some(staff) => db.register_other(staff, new).await?,
        None => db.register(new, &origin).await?,
    };
    Ok(Created(Registered { user: UserView::from(user), message: "User registered successfully" }))
}

/// Says in the document what a new password must be like, which follows a setting.
pub fn describe_passwords(document: &mut Value, passwords: &Passwords) {
    let rules = passwords.rules();
    let said: Vec<String> = rules.iter().copied().map(described).collect();
    if let Some(password) = document.pointer_mut("/components/schemas/RegisterRequest/properties/password") {
        let min_length = if rules.contains(&PasswordRule::Length) { MIN_LENGTH } else { 1 };
        password["minLength"] = min_length.into();
        password["description"] = format!("Not blank{}.", said.concat()).into();
    }
    let examples = "/components/responses/RegisterErrors/content/application~1json/examples";
    let weak = passwords.validate("abc123", &[]);
    if let Some(examples) = document.pointer_mut(examples).filter(|_| !weak.is_empty()) {
        examples["weak_password"] = json!({ "value": { "password": weak } });
    }
}

fn described(rule: PasswordRule) -> String {
    match rule {
        PasswordRule::Similarity => ", not like the other fields".into(),
        PasswordRule::Length => format!(", of {MIN_LENGTH} characters at least"),
        PasswordRule::Common => ", not too common".into(),
        PasswordRule::Numeric => ", not of digits alone".into(),
    }
}
