//! The parts of an export, as it shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    api::answer::{Show, optional_timestamp, timestamp},
    db::kept::{KeptAccount, KeptAnswer, KeptChange, KeptChangeByOthers, KeptRead, KeptSession},
};

/// An account, as it is kept. Of the password there is a hash, which is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedAccount)]
pub struct AccountView {
    id: i64,
    name: String,
    email: String,
    #[schema(required)]
    username: Option<String>,
    is_staff: bool,
    is_superuser: bool,
    #[serde(serialize_with = "timestamp")]
    date_joined: DateTime<Utc>,
    #[serde(serialize_with = "optional_timestamp")]
    #[schema(required)]
    last_login: Option<DateTime<Utc>>,
    #[serde(serialize_with = "timestamp")]
    updated_at: DateTime<Utc>,
}

impl From<KeptAccount> for AccountView {
    fn from(account: KeptAccount) -> Self {
        Self {
            id: account.id,
            name: account.name,
            email: account.email,
            username: account.username,
            is_staff: account.is_staff,
            is_superuser: account.is_superuser,
            date_joined: account.date_joined,
            last_login: account.last_login,
            updated_at: account.updated_at,
        }
    }
}

/// A login or an API token, also one that has ended. Of the token there is a hash, which is not shown.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedSession)]
pub struct SessionView<'a> {
    id: i64,
    /// Of an API token. Null: it is a login.
    #[schema(required)]
    name: Option<&'a str>,
    read_only: bool,
    /// The `User-Agent` header of the login.
    device: &'a str,
    address: &'a str,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "timestamp")]
    last_used_at: DateTime<Utc>,
    #[serde(serialize_with = "timestamp")]
    expires_at: DateTime<Utc>,
    #[serde(serialize_with = "optional_timestamp")]
    #[schema(required)]
    ended_at: Option<DateTime<Utc>>,
}

impl Show for KeptSession {
    fn view(&self) -> impl Serialize {
        SessionView {
            id: self.id,
            name: self.name.as_deref(),
            read_only: self.is_read_only,
            device: &self.user_agent,
            address: &self.address,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
        }
    }
}

/// What was made under an `Idempotency-Key`; it is kept for 24 hours.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedAnswer)]
pub struct AnswerView<'a> {
    /// What was made: `patients`, `doctors`, or `mappings`.
    route: &'a str,
    key: &'a str,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// The row, as it was made.
    answer: &'a Value,
}

impl Show for KeptAnswer {
    fn view(&self) -> impl Serialize {
        AnswerView { route: &self.route, key: &self.key, created_at: self.created_at, answer: &self.answer }
    }
}

/// A change or an event.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportedChange)]
pub struct ChangeView<'a> {
    id: i64,
    #[serde(serialize_with = "timestamp")]
    at: DateTime<Utc>,
    #[schema(required)]
    actor: Option<&'a str>,
    via: &'a str,
    #[schema(required)]
    address: Option<&'a str>,
    #[schema(required)]
    session: Option<i64>,
    request_id: &'a str,
    #[schema(required)]
    event: Option<&'a str>,
    table: &'a str,
    #[schema(required)]
    row: Option<i64>,
    /// `created`, `changed`, `deleted`, or `event`.
    action: &'a str,
    /// The columns that were changed, as they were; all of a row that was deleted.
    old_values: &'a Option<Value>,
    /// The columns that were changed, as they are; all of a row that was made.
    new_values: &'a Option<Value>,
}

impl Show for KeptChange {
    fn view(&self) -> impl Serialize {
        ChangeView {
            id: self.id,
            at: self.at,
            actor: self.actor.as_deref(),
            via: &self.via,
            address: self.address.as_deref(),
            session: self.session,
            request_id: &self.request_id,
            event: self.event.as_deref(),
            table: &self.table,
            row: self.row,
            action: &self.action,
            old_values: &self.old_values,
            new_values: &self.new_values,
        }
    }
}

impl Show for KeptChangeByOthers {
    fn view(&self) -> impl Serialize {
        self.change.view()
    }
}

impl Show for KeptRead {
    fn view(&self) -> impl Serialize {
        self.read.view()
    }
}
