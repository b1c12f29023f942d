//! `/api/auth/register/`: new accounts.

use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::me::UserView;
use crate::{
    api::Created,
    app::RequestId,
    auth::{Passwords, password},
    db::{
        Db,
        users::{NewUser, User},
    },
    error::{ApiError, Result},
    input::{self, Body, Input},
};

/// A new account.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(example = json!({
    "name": "Alice Smith", "email": "alice@example.com", "username": "alice", "password": "StrongPass123",
}))]
pub struct Registration {
    /// The full name. Left out: `first_name` and `last_name`, else the username.
    #[schema(min_length = 1, max_length = 150)]
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    /// As Django takes it: with a dot in its domain. Of this account alone, in any case of letters.
    #[schema(min_length = 1, max_length = 254, format = Email)]
    #[validate(length(min = 1, max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<String>,
    /// Left out: the e-mail is shown in its place. With an `@` it must be the e-mail.
    #[schema(min_length = 1, max_length = 150, pattern = r"^[\p{L}\p{N}_.@+-]+$")]
    #[validate(length(min = 1, max = 150), custom(function = "input::username"))]
    username: Option<String>,
    /// At least 8 characters; not too common, not of digits alone, not like the other fields.
    #[schema(min_length = 8, max_length = 1000)]
    #[validate(length(min = 1, max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password: Option<String>,
    #[schema(max_length = 150)]
    #[validate(length(max = 150))]
    first_name: Option<String>,
    #[schema(max_length = 150)]
    #[validate(length(max = 150))]
    last_name: Option<String>,
    /// When sent, it must equal the password.
    #[schema(min_length = 1)]
    #[serde(deserialize_with = "input::password")]
    password2: Option<String>,
    /// When sent, it must equal the password.
    #[schema(min_length = 1)]
    #[serde(deserialize_with = "input::password")]
    password_confirm: Option<String>,
    /// When sent, it must equal the password.
    #[schema(min_length = 1)]
    #[serde(deserialize_with = "input::password")]
    confirm_password: Option<String>,
}

impl Registration {
    /// The same with another password, whose rules are not asked for.
    #[must_use]
    pub fn with_password(self, password: String) -> Self {
        Self { password: Some(password), ..self }
    }

    fn full_name(&self) -> Option<String> {
        let parts = [self.first_name.as_deref(), self.last_name.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let joined = (!parts.is_empty()).then(|| parts.join(" "));
        self.name.clone().or(joined).or_else(|| self.username.clone())
    }
}

impl Input for Registration {
    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("name", &["first_name", "last_name", "username"]), ("email", &[]), ("password", &[])];

    fn cross_faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let parts = [&self.first_name, &self.last_name];
        if self.name.is_none() && parts.into_iter().any(Option::is_some) {
            match self.full_name() {
                None => faults.push(("name", "This field is required.".into())),
                Some(name) if name.chars().count() > 150 => {
                    faults.push(("name", "Ensure this field has no more than 150 characters.".into()));
                }
                Some(_) => {}
            }
        }
        let email = self.email.as_deref().unwrap_or_default();
        if let Some(username) = &self.username
            && username.contains('@')
            && username.to_lowercase() != email.to_lowercase()
        {
            faults.push(("username", "A username with an @ must be your own email address.".into()));
        }
        if let Some(password) = &self.password {
            let attributes = [
                ("username", self.username.as_deref().unwrap_or_default()),
                ("first name", self.first_name.as_deref().unwrap_or_default()),
                ("last name", self.last_name.as_deref().unwrap_or_default()),
                ("name", self.name.as_deref().unwrap_or_default()),
                ("email", email),
            ];
            let broken = password::faults(password, &attributes);
            faults.extend(broken.into_iter().map(|message| ("password", message)));
        }
        let repeated = [&self.password2, &self.password_confirm, &self.confirm_password];
        if repeated.into_iter().flatten().any(|repeated| Some(repeated) != self.password.as_ref()) {
            faults.push(("password", "Password fields didn't match.".into()));
        }
        faults
    }
}

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
        (status = 400, body = ref("#/components/schemas/Detail"),
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
    let registration = read(&db, &body).await?;
    let user = create(&db, &passwords, registration, Rank::User, request_id.as_str()).await?;
    let message = "User registered successfully";
    Ok(Created(Registered { user: UserView::from(user), message }))
}

/// What a new account may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Keep patients.
    User,
    /// Everything, in the admin panel.
    Superuser,
}

/// Reads a registration. What is at fault is reported together with what is taken.
pub async fn read(db: &Db, body: &Body<Registration>) -> Result<Registration> {
    match body.read() {
        Err(ApiError::Invalid(faults)) => {
            let sent = |field| body.text(field).filter(|_| !faults.has(field));
            let taken = db.taken(sent("email").as_deref(), sent("username").as_deref()).await?;
            Err(ApiError::Invalid(faults.and(taken)))
        }
        read => read,
    }
}

/// Makes the account.
pub async fn create(
    db: &Db,
    passwords: &Passwords,
    registration: Registration,
    rank: Rank,
    request_id: &str,
) -> Result<User> {
    let new = NewUser {
        name: registration.full_name().unwrap_or_default(),
        email: normalize(&registration.email.unwrap_or_default()),
        username: registration.username,
        password_hash: passwords.hash(registration.password.unwrap_or_default()).await?,
        is_superuser: rank == Rank::Superuser,
    };
    let id = db.create_user(&new, request_id).await?;
    Ok(User { id, name: new.name, email: new.email, username: new.username })
}

/// Django's `normalize_email`: the domain in lower case.
fn normalize(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((user, domain)) => format!("{user}@{}", domain.to_lowercase()),
        None => email.to_owned(),
    }
}
