//! `/api/patients/`: a user's own patients.

use axum::{extract::State, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::{
    NoContent, ages,
    conditional::{Preconditions, Tagged},
    genders,
    idempotency::IdempotencyKey,
    list, names,
    query::Query,
    timestamp,
};
use crate::{
    auth::{CurrentUser, Tokens},
    db::{
        Db, Id,
        keys::Made,
        patients::{Gender, Patient, PatientFields},
    },
    error::Result,
    input::{self, Body, Input, Record},
};

/// A patient: `first_name` and `last_name`, or `name`; `date_of_birth`, or `age`; `gender`; and the rest, which may be
/// left out.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = PatientRequest, example = json!({
    "first_name": "John", "last_name": "Doe", "date_of_birth": "1990-01-01", "gender": "M",
    "address": "123 Health St", "phone_number": "1234567890", "email": "john.doe@example.com",
    "medical_history": "No major issues",
}))]
pub struct PatientInput {
    #[schema(min_length = 1, max_length = 150)]
    #[validate(length(min = 1, max = 150))]
    first_name: Option<String>,
    /// May be empty only where it is, and is sent back.
    #[schema(min_length = 1, max_length = 150)]
    #[validate(length(min = 1, max = 150))]
    last_name: Option<String>,
    /// The full name, of at most 150 characters: all but the last word is the first name. Beside its parts, they count.
    #[schema(min_length = 1, max_length = 150)]
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    /// Year, month and day, the last two with one digit or two; not in the future. Beside an age, the date counts.
    #[validate(custom(function = "input::not_in_the_future"))]
    #[serde(deserialize_with = "input::date")]
    date_of_birth: Option<NaiveDate>,
    #[schema(schema_with = ages::schema)]
    #[validate(range(min = 0, max = 150))]
    age: Option<i64>,
    #[schema(schema_with = genders::schema)]
    gender: Option<Gender>,
    #[schema(max_length = 1000)]
    #[validate(length(max = 1000))]
    address: Option<String>,
    #[schema(max_length = 20)]
    #[validate(length(max = 20))]
    #[serde(deserialize_with = "input::phone_number")]
    phone_number: Option<String>,
    /// As Django takes it: with a dot in its domain.
    #[schema(max_length = 254, format = Email)]
    #[validate(length(max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<String>,
    #[schema(max_length = 100_000)]
    #[validate(length(max = 100_000))]
    medical_history: Option<String>,
}

impl Input for PatientInput {
    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("first_name", &["name"]), ("last_name", &["name"]), ("date_of_birth", &["age"]), ("gender", &[])];
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] =
        &[("name", &["first_name", "last_name"]), ("age", &["date_of_birth"])];
}

impl Record for PatientInput {
    type Row = Patient;
    type Fields = PatientFields;

    fn shown(patient: &Patient) -> Value {
        json!(PatientView::from(patient))
    }

    fn fields(self) -> PatientFields {
        let (first, last) = self.name.as_deref().map(names::split).unzip();
        let is_estimated = match (self.date_of_birth, self.age) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => Some(true),
            (None, None) => None,
        };
        PatientFields {
            first_name: self.first_name.or(first),
            last_name: self.last_name.or(last),
            date_of_birth: self.date_of_birth.or(self.age.map(ages::born)),
            date_of_birth_estimated: is_estimated,
            gender: self.gender,
            address: self.address,
            phone_number: self.phone_number,
            email: self.email,
            medical_history: self.medical_history,
        }
    }
}

/// A patient.
// README A's keys, then README B's and what else there is
#[derive(Serialize, ToSchema)]
#[schema(as = Patient, example = json!({
    "id": 1, "first_name": "John", "last_name": "Doe", "date_of_birth": "1990-01-01", "gender": "M",
    "address": "123 Health St", "phone_number": "1234567890", "email": "john.doe@example.com",
    "medical_history": "No major issues", "created_by": "alice@example.com",
    "created_at": "2026-01-31T09:30:00.123456Z", "name": "John Doe", "age": 36, "date_of_birth_estimated": false,
    "updated_at": "2026-01-31T09:30:00.123456Z",
}))]
pub struct PatientView<'a> {
    id: i64,
    first_name: &'a str,
    last_name: &'a str,
    date_of_birth: NaiveDate,
    gender: Gender,
    address: &'a str,
    phone_number: &'a str,
    email: &'a str,
    medical_history: &'a str,
    /// The owner's e-mail.
    created_by: &'a str,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// First and last name.
    name: String,
    /// In years, today in UTC.
    age: u32,
    /// The date of birth was reckoned from an age.
    date_of_birth_estimated: bool,
    #[serde(serialize_with = "timestamp")]
    updated_at: DateTime<Utc>,
}

impl<'a> From<&'a Patient> for PatientView<'a> {
    fn from(patient: &'a Patient) -> Self {
        Self {
            id: patient.id,
            first_name: &patient.first_name,
            last_name: &patient.last_name,
            date_of_birth: patient.date_of_birth,
            gender: patient.gender,
            address: &patient.address,
            phone_number: &patient.phone_number,
            email: &patient.email,
            medical_history: &patient.medical_history,
            created_by: &patient.created_by,
            created_at: patient.created_at,
            name: names::join(&patient.first_name, &patient.last_name),
            age: ages::today(patient.date_of_birth),
            date_of_birth_estimated: patient.date_of_birth_estimated,
            updated_at: patient.updated_at,
        }
    }
}

impl Serialize for Patient {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PatientView::from(self).serialize(serializer)
    }
}

/// List your patients.
#[utoipa::path(
    get, path = "/api/patients/", operation_id = "patients_list", tag = "patients",
    params(Query<Patient>),
    responses((status = 200, description = "The rows", body = [PatientView])),
)]
pub async fn list(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: Query<Patient>,
) -> Result<Response> {
    list::list(db, tokens.seal(), Some(user), &query).await
}

/// Add a patient.
#[utoipa::path(
    post, path = "/api/patients/", operation_id = "patients_create", tag = "patients",
    params(IdempotencyKey),
    request_body = PatientInput,
    responses((status = 201, description = "The patient", body = PatientView)),
)]
pub async fn create(
    user: CurrentUser,
    State(db): State<Db>,
    key: IdempotencyKey,
    body: Body<PatientInput>,
) -> Result<Made<Patient>> {
    db.patients(&user).create(body.create(), key.of(&body)).await
}

/// Read a patient.
#[utoipa::path(
    get, path = "/api/patients/{id}/", operation_id = "patients_retrieve", tag = "patients", 
    params(Id<Patient>, ("If-None-Match" = Option<String>, Header, description = "An `ETag` that you have the row of")),
    responses(
        (status = 200, description = "The patient", body = PatientView),
        (status = 304, description = "You have it as it is"),
    ),
)]
pub async fn retrieve(user: CurrentUser, State(db): State<Db>, id: Id<Patient>) -> Result<Tagged<Patient>> {
    db.patients(&user).get(id).await.map(Tagged)
}

/// Replace a patient's fields.
///
/// What is optional and left out stays. What was read can be sent back: of a name and its parts, or an age and its
/// date, what is not as it was counts.
#[utoipa::path(
    put, path = "/api/patients/{id}/", operation_id = "patients_update", tag = "patients", params(Id<Patient>, Preconditions),
    request_body = PatientInput,
    responses((status = 200, description = "The patient", body = PatientView)),
)]
pub async fn update(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
    preconditions: Preconditions,
    body: Body<PatientInput>,
) -> Result<Tagged<Patient>> {
    let change = |patient: &Patient| preconditions.change(patient, body.update(patient));
    db.patients(&user).update(id, change).await.map(Tagged)
}

/// Change some of a patient's fields.
#[utoipa::path(
    patch, path = "/api/patients/{id}/", operation_id = "patients_partial_update", tag = "patients",
    params(Id<Patient>, Preconditions),
    request_body(content = PatientInput, example = json!({ "phone_number": "0987654321" })),
    responses((status = 200, description = "The patient", body = PatientView)),
)]
pub async fn partial_update(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
    preconditions: Preconditions,
    body: Body<PatientInput>,
) -> Result<Tagged<Patient>> {
    let change = |patient: &Patient| preconditions.change(patient, body.partial_update(patient));
    db.patients(&user).update(id, change).await.map(Tagged)
}

/// Delete a patient.
#[utoipa::path(
    delete, path = "/api/patients/{id}/", operation_id = "patients_destroy", tag = "patients", params(Id<Patient>, Preconditions),
    responses((status = 204, description = "Gone for good")),
)]
pub async fn destroy(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
    preconditions: Preconditions,
) -> Result<NoContent> {
    db.patients(&user).delete(id, preconditions.of_row()).await.map(|()| NoContent)
}
