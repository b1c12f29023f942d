//! `/api/audit/`: who did what and who read what, for staff.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::{Show, timestamp},
    list,
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Tokens},
    db::{
        Db,
        accesses::Read,
        audit::{AuditAction, AuditEntry},
    },
    error::{ApiError, Detail},
};

/// A change, or an event without a change.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry, example = json!({
    "id": 12, "at": "2026-01-31T09:30:00.123456Z", "actor_id": 1, "actor": "alice@example.com", "via": "api",
    "address": "192.0.2.7", "session": 7, "request_id": "5f0c6d1e9b8a47d2a3c4e5f60718293a", "event": null,
    "table": "patients", "row": 3, "action": "changed", "fields": ["gender"],
}))]
pub struct AuditEntryView<'a> {
    id: i64,
    #[serde(serialize_with = "timestamp")]
    at: DateTime<Utc>,
    /// The number of the account. Null: nobody's, as of a login with an unknown name.
    #[schema(required)]
    actor_id: Option<i64>,
    /// The e-mail of the account, as it was then; `cli:` and a name if it was the operator.
    #[schema(required)]
    actor: Option<&'a str>,
    /// `api`, `admin`, `cli`, or `system`.
    via: &'a str,
    /// The address of the client.
    #[schema(required)]
    address: Option<&'a str>,
    /// The login or the API token that was used.
    #[schema(required)]
    session: Option<i64>,
    /// The `X-Request-Id` of the answer.
    request_id: &'a str,
    /// What happened or what the change was about, such as `login`, `login_failed` or `password_changed`.
    #[schema(required)]
    event: Option<&'a str>,
    /// The table of the row.
    table: &'a str,
    /// The number of the row.
    #[schema(required)]
    row: Option<i64>,
    action: AuditAction,
    /// The names of the fields that were changed in a row that was there. Only a patient's owner sees the values.
    fields: &'a [String],
}

impl Show for AuditEntry {
    fn view(&self) -> impl Serialize {
        AuditEntryView {
            id: self.id,
            at: self.at,
            actor_id: self.actor_id,
            actor: self.actor.as_deref(),
            via: &self.via,
            address: self.address.as_deref(),
            session: self.session,
            request_id: &self.request_id,
            event: self.event.as_deref(),
            table: &self.table,
            row: self.row,
            action: self.action,
            fields: &self.fields,
        }
    }
}

/// A request that showed patients or mappings.
#[derive(Serialize, ToSchema)]
#[schema(as = Read, example = json!({
    "id": 34, "at": "2026-01-31T09:30:00.123456Z", "actor_id": 1, "actor": "alice@example.com", "via": "api",
    "address": "192.0.2.7", "session": 7, "request_id": "5f0c6d1e9b8a47d2a3c4e5f60718293a", "patients": [3, 4],
    "mappings": [],
}))]
pub struct ReadView<'a> {
    id: i64,
    #[serde(serialize_with = "timestamp")]
    at: DateTime<Utc>,
    /// The number of the account.
    actor_id: i64,
    /// The e-mail of the account, as it was then.
    actor: &'a str,
    /// `api` or `admin`.
    via: &'a str,
    /// The address of the client.
    #[schema(required)]
    address: Option<&'a str>,
    /// The login or the API token that was used.
    #[schema(required)]
    session: Option<i64>,
    /// The `X-Request-Id` of the answer.
    request_id: &'a str,
    /// The numbers of the patients that were shown.
    patients: &'a [i64],
    /// The numbers of the mappings that were shown.
    mappings: &'a [i64],
}

impl Show for Read {
    fn view(&self) -> impl Serialize {
        ReadView {
            id: self.id,
            at: self.at,
            actor_id: self.actor_id,
            actor: &self.actor,
            via: &self.via,
            address: self.address.as_deref(),
            session: self.session,
            request_id: &self.request_id,
            patients: &self.patients,
            mappings: &self.mappings,
        }
    }
}

/// List all changes and events.
///
/// For staff. What the fields of a patient were changed to is shown to its owner alone.
#[utoipa::path(
    get, path = "/api/audit/", operation_id = "audit_list", tag = "audit",
    params(ListQuery<AuditEntry>),
    responses(
        (status = 200, description = "The latest first", body = [AuditEntryView]),
        (status = 403, description = "You are not one of the staff.", body = Detail, example = json!(ApiError::Forbidden.body())),
    ),
)]
pub async fn list(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: ListQuery<AuditEntry>,
) -> Response {
    list::list(db, tokens.seal(), Some(user), &query).await
}

/// List all reads of patients and mappings.
///
/// For staff. Reads are written down within a second.
#[utoipa::path(
    get, path = "/api/audit/reads/", operation_id = "audit_reads_list", tag = "audit",
    params(ListQuery<Read>),
    responses(
        (status = 200, description = "The latest first", body = [ReadView]),
        (status = 403, description = "You are not one of the staff.", body = Detail, example = json!(ApiError::Forbidden.body())),
    ),
)]
pub async fn reads(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: ListQuery<Read>,
) -> Response {
    list::list(db, tokens.seal(), Some(user), &query).await
}
