//! Accounts at the admin.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::model::{Ask, Field, Model, Rules};
use crate::{
    db::admin::users,
    input::{self, ACCOUNT_LIMIT, Errors, Input, Record},
};

pub(super) static USERS: Model = Model {
    table: &users::USERS,
    fields: &[
        Field::new("email", "E-mail", Ask::Line("email")).required(),
        Field::text("username", "Username").help("If there is none, the e-mail is shown instead."),
        Field::text("name", "Name").required(),
        Field::new("is_active", "Active", Ask::Flag).help("May log in. Take this away instead of deleting an account."),
        Field::new("is_staff", "Staff", Ask::Flag).help("May work here."),
        Field::new("is_superuser", "Superuser", Ask::Flag).help("May also change accounts of staff."),
    ],
    rules: Rules::of::<AccountInput>(),
    is_account: true,
};

/// An account, as staff change it. The rules are those of a registration.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
pub(super) struct AccountInput {
    #[validate(length(min = 1, max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<String>,
    #[validate(length(min = 1, max = 150), custom(function = "input::username"))]
    username: Option<Option<String>>,
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    #[serde(deserialize_with = "input::boolean")]
    is_active: Option<bool>,
    #[serde(deserialize_with = "input::boolean")]
    is_staff: Option<bool>,
    #[serde(deserialize_with = "input::boolean")]
    is_superuser: Option<bool>,
}

/// An account as it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    email: String,
    username: Option<String>,
    name: String,
    is_active: bool,
    is_staff: bool,
    is_superuser: bool,
}

/// What to change of an account.
#[derive(Serialize)]
pub(super) struct AccountChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_staff: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_superuser: Option<bool>,
}

impl Input for AccountInput {
    type New = AccountChange;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("email", &[]), ("name", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn cross_errors(&self, too_long: &[&str]) -> Errors {
        let username = self.username.as_ref().and_then(Option::as_deref).unwrap_or_default();
        let email = self.email.as_deref().unwrap_or_default();
        let is_good = !username.contains('@') || username.to_lowercase() == email.to_lowercase();
        if is_good || too_long.contains(&"username") || too_long.contains(&"email") {
            return Vec::new();
        }
        vec![("username", "A username with an @ must be the account's own email address.".into())]
    }

    fn into_new(self) -> Option<AccountChange> {
        Some(self.into_change(None))
    }
}

impl Record for AccountInput {
    type Row = Account;
    type Change = AccountChange;

    fn shown(account: &Account) -> Value {
        json!(account)
    }

    fn into_change(self, _: Option<&Account>) -> AccountChange {
        AccountChange {
            email: self.email.map(|email| crate::accounts::normalize(&email)),
            username: self.username,
            name: self.name,
            is_active: self.is_active,
            is_staff: self.is_staff,
            is_superuser: self.is_superuser,
        }
    }
}
