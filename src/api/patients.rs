//! `/api/patients/`: a user's own patients.

use axum::{extract::State, response::Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::{
    ages,
    answer::{NoContent, Show, day, timestamp},
    caller::caller_first,
    conditional::{Preconditions, WithEtag},
    genders,
    idempotency::IdempotencyKey,
    list, names,
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Tokens},
    db::{
        Db, Id,
        idempotency::Inserted,
        patients::{Gender, NewPatient, Patient, PatientChange},
    },
    error::Result,
    input::{self, Body, Input, Record},
};

/// A patient. POST and PUT require `gender`, `first_name` and `last_name` (or `name`), and `date_of_birth` (or `age`).
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = PatientRequest, example = json!({
    "first_name": "John", "last_name": "Doe", "date_of_birth": "1990-01-01", "gender": "M",
    "address": "123 Health St", "phone_number": "1234567890", "email": "john.doe@example.com",
    "medical_history": "No major issues",
}))]
pub struct PatientInput {
    #[validate(length(min = 1, max = 150))]
    first_name: Option<String>,
    /// Required, unless you send `name`. An empty value is accepted if it is already empty.
    #[validate(length(min = 1, max = 150))]
    last_name: Option<String>,
    /// The full name, in place of its parts: the last word becomes the last name. If you send both, POST uses the parts, PUT
    /// and PATCH the one that you changed.
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    /// `YYYY-MM-DD`, not in the future. If you send an age too, POST uses the date, PUT and PATCH the one that you changed.
    #[validate(custom(function = "input::not_in_the_future"))]
    #[serde(deserialize_with = "input::date")]
    date_of_birth: Option<NaiveDate>,
    /// In years, if the date of birth is not known.
    #[validate(range(min = 0, max = 150))]
    age: Option<i64>,
    #[serde(deserialize_with = "genders::read")]
    gender: Option<Gender>,
    #[validate(length(max = 1000))]
    address: Option<String>,
    #[validate(length(max = 20))]
    #[serde(deserialize_with = "input::phone_number")]
    phone_number: Option<String>,
    /// An address with a dot in its domain.
    #[schema(format = Email)]
    #[validate(length(max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<String>,
    #[validate(length(max = 100_000))]
    medical_history: Option<String>,
}

impl PatientInput {
    /// First and last name: from the parts, or from the full name.
    fn names(&mut self) -> (Option<String>, Option<String>) {
        let (first, last) = self.name.as_deref().map(names::split).unzip();
        (self.first_name.take().or(first), self.last_name.take().or(last))
    }

    /// The date of birth, and whether it was calculated from an age.
    fn birth(&self) -> Option<(NaiveDate, bool)> {
        let reckoned = self.age.map(|age| (ages::born(age), true));
        self.date_of_birth.map(|date| (date, false)).or(reckoned)
    }
}

impl Input for PatientInput {
    type New = NewPatient;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("first_name", &["name"]), ("last_name", &["name"]), ("date_of_birth", &["age"]), ("gender", &[])];
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] =
        &[("name", &["first_name", "last_name"]), ("age", &["date_of_birth"])];

    fn into_new(mut self) -> Option<NewPatient> {
        let (first_name, last_name) = self.names();
        let (date_of_birth, date_of_birth_estimated) = self.birth()?;
        Some(NewPatient {
            first_name: first_name?,
            last_name: last_name?,
            date_of_birth,
            date_of_birth_estimated,
            gender: self.gender?,
            address: self.address.unwrap_or_default(),
            phone_number: self.phone_number.unwrap_or_default(),
            email: self.email.unwrap_or_default(),
            medical_history: self.medical_history.unwrap_or_default(),
        })
    }
}

impl Record for PatientInput {
    type Row = Patient;
    type Change = PatientChange;

    fn shown(patient: &Patient) -> Value {
        json!(patient.view())
    }

    fn into_change(mut self, replaced: Option<&Patient>) -> PatientChange {
        let (first_name, last_name) = self.names();
        let birth = self.birth().or(replaced.map(|row| (row.date_of_birth, row.date_of_birth_estimated)));
        let (date_of_birth, date_of_birth_estimated) = birth.unzip();
        PatientChange {
            first_name: first_name.or_else(|| replaced.map(|row| row.first_name.clone())),
            last_name: last_name.or_else(|| replaced.map(|row| row.last_name.clone())),
            date_of_birth,
            date_of_birth_estimated,
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
    #[serde(serialize_with = "day")]
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
    /// The date of birth was calculated from an age.
    date_of_birth_estimated: bool,
    #[serde(serialize_with = "timestamp")]
    updated_at: DateTime<Utc>,
}

impl<S: AsRef<str>> Show for Patient<S> {
    fn view(&self) -> impl Serialize {
        PatientView {
            id: self.id,
            first_name: self.first_name.as_ref(),
            last_name: self.last_name.as_ref(),
            date_of_birth: self.date_of_birth,
            gender: self.gender,
            address: self.address.as_ref(),
            phone_number: self.phone_number.as_ref(),
            email: self.email.as_ref(),
            medical_history: self.medical_history.as_ref(),
            created_by: self.created_by.as_ref(),
            created_at: self.created_at,
            name: names::join(self.first_name.as_ref(), self.last_name.as_ref()),
            age: ages::today(self.date_of_birth),
            date_of_birth_estimated: self.date_of_birth_estimated,
            updated_at: self.updated_at,
        }
    }
}

/// List your patients.
#[utoipa::path(
    get, path = "/api/patients/", operation_id = "patients_list", tag = "patients",
    params(ListQuery<Patient>),
    responses((status = 200, description = "The patients", body = [PatientView])),
)]
pub async fn list(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: ListQuery<Patient>,
) -> Response {
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
) -> Result<Inserted<Patient>> {
    let new = caller_first(&db, &user, body.new_value()).await?;
    let key = caller_first(&db, &user, key.of(&body)).await?;
    db.patients(&user).create(&new, key.as_ref()).await
}

/// Read a patient.
#[utoipa::path(
    get, path = "/api/patients/{id}/", operation_id = "patients_retrieve", tag = "patients", 
    params(Id<Patient>, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the version that you have")),
    responses(
        (status = 200, description = "The patient", body = PatientView),
        (status = 304, description = "You have the current version"),
    ),
)]
pub async fn retrieve(user: CurrentUser, State(db): State<Db>, id: Id<Patient>) -> Result<WithEtag<Patient>> {
    db.patients(&user).get(id).await.map(WithEtag)
}

/// Replace a patient's fields.
///
/// Optional fields that you leave out keep their values. You can send back what you read: if you send both `name` and its
/// parts, or `age` and `date_of_birth`, the one you changed wins.
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
) -> Result<WithEtag<Patient>> {
    let patients = db.patients(&user);
    let patient = patients.get(id).await?;
    let change = body.update(&patient)?;
    let version = preconditions.check(&patient)?;
    patients.update(&patient, &change, version).await.map(WithEtag)
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
) -> Result<WithEtag<Patient>> {
    let patients = db.patients(&user);
    let patient = patients.get(id).await?;
    let change = body.partial_update(&patient)?;
    let version = preconditions.check(&patient)?;
    patients.update(&patient, &change, version).await.map(WithEtag)
}

/// Delete a patient.
#[utoipa::path(
    delete, path = "/api/patients/{id}/", operation_id = "patients_destroy", tag = "patients", params(Id<Patient>, Preconditions),
    responses((status = 204, description = "Deleted")),
)]
pub async fn destroy(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
    preconditions: Preconditions,
) -> Result<NoContent> {
    let patients = db.patients(&user);
    let version = preconditions.check_if_any(patients.get(id)).await?;
    patients.delete(id, version).await.map(|()| NoContent)
}
