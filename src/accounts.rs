//! Making an account: what registration and the command line have in common.

use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    auth::Passwords,
    db::{
        Db,
        users::{NewUser, Rank},
    },
    error::{
        ApiError, Result,
        messages::{REQUIRED, too_long},
    },
    input::{self, ACCOUNT_LIMIT, Body, Errors, Input},
};

/// A new account.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = RegisterRequest, example = json!({
    "name": "Alice Smith", "email": "alice@example.com", "username": "alice", "password": "StrongPass123",
}))]
pub struct Registration {
    /// The full name. If you leave it out, it is made of `first_name` and `last_name`, or else of the username.
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    /// An address with a dot in its domain. No two accounts share one, whatever the case of its letters.
    #[schema(format = Email)]
    #[validate(length(min = 1, max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<String>,
    /// If you leave it out, the e-mail is shown instead. If it contains `@`, it must be the e-mail.
    #[validate(length(min = 1, max = 150), custom(function = "input::username"))]
    username: Option<String>,
    // what it must be like follows a setting: the document says it
    #[validate(length(min = 1, max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password: Option<String>,
    #[validate(length(max = 150))]
    first_name: Option<String>,
    #[validate(length(max = 150))]
    last_name: Option<String>,
    /// When sent, it must equal the password.
    #[validate(length(max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password2: Option<String>,
    /// When sent, it must equal the password.
    #[validate(length(max = 1000))]
    #[serde(deserialize_with = "input::password")]
    password_confirm: Option<String>,
    /// When sent, it must equal the password.
    #[validate(length(max = 1000))]
    #[serde(deserialize_with = "input::password")]
    confirm_password: Option<String>,
}

impl Registration {
    fn full_name(&self) -> Option<String> {
        let parts = [self.first_name.as_deref(), self.last_name.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let joined = (!parts.is_empty()).then(|| parts.join(" "));
        self.name.clone().or(joined).or_else(|| self.username.clone())
    }
}

impl Input for Registration {
    type New = NewAccount;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("name", &["first_name", "last_name", "username"]), ("email", &[]), ("password", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<NewAccount> {
        let name = self.full_name()?;
        Some(NewAccount { name, email: normalize(&self.email?), username: self.username, password: self.password? })
    }
}

/// The rules that look at more than one field; those for the password follow a setting.
impl Registration {
    fn errors(&self, passwords: &Passwords, too_long: &[&str]) -> Errors {
        let mut errors = self.errors_of_names(too_long);
        if !too_long.contains(&"password") {
            errors.extend(self.password_errors(passwords, too_long).into_iter().map(|message| ("password", message)));
        }
        errors
    }

    fn errors_of_names(&self, too_long: &[&str]) -> Errors {
        let may_look_at = |fields: &[&str]| !fields.iter().any(|field| too_long.contains(field));
        let mut errors = Vec::new();
        if may_look_at(&["name", "first_name", "last_name", "username"]) {
            errors.extend(self.name_error().map(|message| ("name", message)));
        }
        if may_look_at(&["username", "email"]) && !self.may_have_its_username() {
            errors.push(("username", "A username with an @ must be your own email address.".into()));
        }
        errors
    }

    fn name_error(&self) -> Option<String> {
        if self.name.is_some() || self.first_name.is_none() && self.last_name.is_none() {
            return None;
        }
        match self.full_name() {
            None => Some(REQUIRED.into()),
            Some(name) => (name.chars().count() > 150).then(|| too_long(150)),
        }
    }

    fn may_have_its_username(&self) -> bool {
        let username = self.username.as_deref().unwrap_or_default();
        let email = self.email.as_deref().unwrap_or_default();
        !username.contains('@') || username.to_lowercase() == email.to_lowercase()
    }

    fn password_errors(&self, passwords: &Passwords, too_long: &[&str]) -> Vec<String> {
        let of_good_length = |(field, _): &(&str, &Option<String>)| !too_long.contains(field);
        let mut errors = Vec::new();
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
            errors = passwords.validate(password, &attributes.collect::<Vec<_>>());
        }
        let repeated = [
            ("password2", &self.password2),
            ("password_confirm", &self.password_confirm),
            ("confirm_password", &self.confirm_password),
        ];
        let mut repeated =
            repeated.iter().filter(|field| of_good_length(field)).filter_map(|(_, value)| value.as_ref());
        if repeated.any(|repeated| Some(repeated) != self.password.as_ref()) {
            errors.push("Password fields didn't match.".into());
        }
        errors
    }
}

/// An account to make.
pub struct NewAccount {
    pub name: String,
    /// With its domain in lower case.
    pub email: String,
    /// None: the e-mail is shown in its place.
    pub username: Option<String>,
    pub password: String,
}

/// Reads a registration. Its errors are reported together with what is taken.
pub async fn read(db: &Db, passwords: &Passwords, body: &Body<Registration>) -> Result<NewAccount> {
    match body.new_value_by(|registration, too_long| registration.errors(passwords, too_long)) {
        Err(ApiError::Invalid(errors)) => {
            let good = |field| body.text(field).filter(|_| !errors.has(field));
            let taken = db.taken(good("email").as_deref(), good("username").as_deref()).await?;
            Err(ApiError::Invalid(errors.and(taken)))
        }
        read => read,
    }
}

/// The account as it is stored, with its password hashed.
pub async fn hashed(passwords: &Passwords, account: NewAccount, rank: Rank) -> Result<NewUser> {
    let password_hash = passwords.hash(account.password).await?;
    Ok(NewUser { name: account.name, email: account.email, username: account.username, password_hash, rank })
}

/// Reads an account that another program made, and whose password it has judged.
pub fn read_existing(body: &Body<Registration>) -> Result<NewAccount> {
    body.new_value_by(Registration::errors_of_names)
}

/// Django's `normalize_email`: the domain in lower case.
pub fn normalize(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((user, domain)) => format!("{user}@{}", domain.to_lowercase()),
        None => email.to_owned(),
    }
}
