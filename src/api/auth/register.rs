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
    #[schema(min_length = 1, max_length = 1000)]
    #[validate(length(max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password2: Option<String>,
    /// When sent, it must equal the password.
    #[schema(min_length = 1, max_length = 1000)]
    #[validate(length(max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password_confirm: Option<String>,
    /// When sent, it must equal the password.
    #[schema(min_length = 1, max_length = 1000)]
    #[validate(length(max = 1000))]
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

    fn cross_faults(&self, too_long: &[&str]) -> Vec<(&'static str, String)> {
        let look_at = |fields: &[&str]| !fields.iter().any(|field| too_long.contains(field));
        let mut faults = Vec::new();
        if look_at(&["name", "first_name", "last_name", "username"]) {
            faults.extend(self.name_fault().map(|message| ("name", message)));
        }
        if look_at(&["username", "email"]) && !self.may_have_its_username() {
            faults.push(("username", "A username with an @ must be your own email address.".into()));
        }
        if look_at(&["password"]) {
            faults.extend(self.password_faults(too_long).into_iter().map(|message| ("password", message)));
        }
        faults
    }
}

/// The rules that look at more than one field.
impl Registration {
    fn name_fault(&self) -> Option<String> {
        if self.name.is_some() || self.first_name.is_none() && self.last_name.is_none() {
            return None;
        }
        match self.full_name() {
            None => Some("This field is required.".into()),
            Some(name) => (name.chars().count() > 150).then(|| input::too_long(150)),
        }
    }

    fn may_have_its_username(&self) -> bool {
        let username = self.username.as_deref().unwrap_or_default();
        let email = self.email.as_deref().unwrap_or_default();
        !username.contains('@') || username.to_lowercase() == email.to_lowercase()
    }

    fn password_faults(&self, too_long: &[&str]) -> Vec<String> {
        let of_good_length = |(field, _): &(&str, &Option<String>)| !too_long.contains(field);
        let mut faults = Vec::new();
        if let Some(password) = &self.password {
            let attributes = [
                ("username", &self.username),
                ("first_name", &self.first_name),
                ("last_name", &self.last_name),
                ("name", &self.name),
                ("email", &self.email),
            ];
            let attributes = attributes.into_iter().filter(of_good_length);
            let attributes = attributes.map(|(field, value)| (field, value.as_deref().unwrap_or_default()));
            faults = password::faults(password, &attributes.collect::<Vec<_>>());
        }
        let repeated = [
            ("password2", &self.password2),
            ("password_confirm", &self.password_confirm),
            ("confirm_password", &self.confirm_password),
        ];
        let mut repeated =
            repeated.iter().filter(|field| of_good_length(field)).filter_map(|(_, value)| value.as_ref());
        if repeated.any(|repeated| Some(repeated) != self.password.as_ref()) {
            faults.push("Password fields didn't match.".into());
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
