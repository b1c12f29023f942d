//! `/api/patients/<id>/history/` and `/api/patients/<id>/access/`: what became of a patient, and who read it. Its owner
//! sees both, also after it was deleted.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::schema::{ArrayBuilder, Object, ObjectBuilder, SchemaType},
};

use super::{
    answer::{Show, timestamp},
    list,
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Tokens},
    db::{
        Db, Id,
        accesses::{Access, AccessScope},
        history::{Change, ChangeAction},
        patients::Patient,
    },
};

/// A change of a patient, or of the doctors who look after it.
#[derive(Serialize, ToSchema)]
#[schema(as = Change, example = json!({
    "id": 12, "at": "2026-01-31T09:30:00.123456Z", "actor": "alice@example.com", "via": "api", "address": "192.0.2.7",
    "request_id": "5f0c6d1e9b8a47d2a3c4e5f60718293a", "action": "changed", "changes": { "gender": ["M", "F"] },
}))]
pub struct ChangeView<'a> {
    id: i64,
    #[serde(serialize_with = "timestamp")]
    at: DateTime<Utc>,
    /// The e-mail of whoever changed it, as it was then; `cli:` and a name if it was the operator.
    actor: &'a str,
    /// `api`, `admin`, `cli`, or `system`.
    via: &'a str,
    /// The address of the client. Null: the change did not come over HTTP.
    #[schema(required)]
    address: Option<&'a str>,
    /// The `X-Request-Id` of the answer.
    request_id: &'a str,
    action: ChangeAction,
    /// Each field that changed, with what it was and what it is. Of a new patient all fields were null, and of a deleted
    /// one all are. `doctor` is the number of a doctor.
    #[schema(schema_with = pairs)]
    changes: &'a BTreeMap<String, [Value; 2]>,
}

/// Field → two values of any type.
fn pairs() -> Object {
    let pair = ArrayBuilder::new().items(Object::with_type(SchemaType::AnyValue)).min_items(Some(2)).max_items(Some(2));
    ObjectBuilder::new().additional_properties(Some(pair)).build()
}

impl Show for Change {
    fn view(&self) -> impl Serialize {
        ChangeView {
            id: self.id,
            at: self.at,
            actor: &self.actor,
            via: &self.via,
            address: self.address.as_deref(),
            request_id: &self.request_id,
            action: self.action,
            changes: &self.changes,
        }
    }
}

/// A request that showed a patient.
#[derive(Serialize, ToSchema)]
#[schema(as = Access, example = json!({
    "id": 34, "at": "2026-01-31T09:30:00.123456Z", "actor": "alice@example.com", "via": "api", "address": "192.0.2.7",
    "request_id": "5f0c6d1e9b8a47d2a3c4e5f60718293a", "scope": "list",
}))]
pub struct AccessView<'a> {
    id: i64,
    #[serde(serialize_with = "timestamp")]
    at: DateTime<Utc>,
    /// The e-mail of whoever read it, as it was then.
    actor: &'a str,
    /// `api` or `admin`.
    via: &'a str,
    /// The address of the client.
    #[schema(required)]
    address: Option<&'a str>,
    /// The `X-Request-Id` of the answer.
    request_id: &'a str,
    scope: AccessScope,
}

impl Show for Access {
    fn view(&self) -> impl Serialize {
        AccessView {
            id: self.id,
            at: self.at,
            actor: &self.actor,
            via: &self.via,
            address: self.address.as_deref(),
            request_id: &self.request_id,
            scope: self.scope,
        }
    }
}

/// List the changes of one of your patients.
///
/// Who changed what, from what to what, and which doctors were assigned and removed. It stays when the patient is deleted.
#[utoipa::path(
    get, path = "/api/patients/{id}/history/", operation_id = "patients_history_list", tag = "patients",
    params(Id<Patient>, ListQuery<Change>),
    responses((status = 200, description = "The changes, the latest first", body = [ChangeView])),
)]
pub async fn changes(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    id: Id<Patient>,
    query: ListQuery<Change>,
) -> Response {
    list::list(db, tokens.seal(), Some(user), &query.of(id)).await
}

/// List who read one of your patients.
///
/// Reads are written down within a second. The list stays when the patient is deleted.
#[utoipa::path(
    get, path = "/api/patients/{id}/access/", operation_id = "patients_access_list", tag = "patients",
    params(Id<Patient>, ListQuery<Access>),
    responses((status = 200, description = "The requests that showed it, the latest first", body = [AccessView])),
)]
pub async fn accesses(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    id: Id<Patient>,
    query: ListQuery<Access>,
) -> Response {
    list::list(db, tokens.seal(), Some(user), &query.of(id)).await
}
