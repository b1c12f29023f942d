//! `/api/doctors/`: the directory that all users share.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::{
    NoContent,
    conditional::{Preconditions, Tagged},
    idempotency::IdempotencyKey,
    list, names,
    query::Query,
    timestamp,
};
use crate::{
    auth::{CurrentUser, DirectoryReader, Tokens},
    db::{
        Db, Id,
        doctors::{Doctor, DoctorFields},
        keys::Made,
    },
    error::{ApiError, Result},
    input::{self, Body, Input, Record},
};

/// A doctor: `first_name` and `last_name`, or `name`; `specialty`; and the rest, which may be left out.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = DoctorRequest, example = json!({
    "first_name": "Emily", "last_name": "Carter", "specialty": "Cardiology", "phone_number": "9876543210",
    "email": "emily.carter@example.com", "license_number": "LIC123",
}))]
pub struct DoctorInput {
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
    #[schema(min_length = 1, max_length = 120)]
    #[validate(length(min = 1, max = 120))]
    specialty: Option<String>,
    #[schema(max_length = 20)]
    #[validate(length(max = 20))]
    #[serde(deserialize_with = "input::phone_number")]
    phone_number: Option<String>,
    /// As Django takes it: with a dot in its domain. Of this doctor alone. Empty: none.
    #[schema(max_length = 254, format = Email)]
    #[validate(length(max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<Option<String>>,
    /// Of this doctor alone. Empty: none.
    #[schema(max_length = 50)]
    #[validate(length(max = 50))]
    license_number: Option<Option<String>>,
}

impl Input for DoctorInput {
    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("first_name", &["name"]), ("last_name", &["name"]), ("specialty", &[])];
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] = &[("name", &["first_name", "last_name"])];
}

impl Record for DoctorInput {
    type Row = Doctor;
    type Fields = DoctorFields;

    fn shown(doctor: &Doctor) -> Value {
        json!(DoctorView::from(doctor))
    }

    fn fields(self) -> DoctorFields {
        let (first, last) = self.name.as_deref().map(names::split).unzip();
        DoctorFields {
            first_name: self.first_name.or(first),
            last_name: self.last_name.or(last),
            specialty: self.specialty,
            phone_number: self.phone_number,
            email: self.email,
            license_number: self.license_number,
        }
    }
}

/// A doctor.
// README A's keys, then what else there is
#[derive(Serialize, ToSchema)]
#[schema(as = Doctor, example = json!({
    "id": 1, "first_name": "Emily", "last_name": "Carter", "specialty": "Cardiology", "phone_number": "9876543210",
    "email": "emily.carter@example.com", "license_number": "LIC123", "created_at": "2026-01-31T09:30:00.123456Z",
    "name": "Emily Carter", "updated_at": "2026-01-31T09:30:00.123456Z",
}))]
pub struct DoctorView<'a> {
    id: i64,
    first_name: &'a str,
    last_name: &'a str,
    specialty: &'a str,
    phone_number: &'a str,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    license_number: Option<&'a str>,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// First and last name.
    name: String,
    #[serde(serialize_with = "timestamp")]
    updated_at: DateTime<Utc>,
}

impl<'a> From<&'a Doctor> for DoctorView<'a> {
    fn from(doctor: &'a Doctor) -> Self {
        Self {
            id: doctor.id,
            first_name: &doctor.first_name,
            last_name: &doctor.last_name,
            specialty: &doctor.specialty,
            phone_number: &doctor.phone_number,
            email: doctor.email.as_deref(),
            license_number: doctor.license_number.as_deref(),
            created_at: doctor.created_at,
            name: names::join(&doctor.first_name, &doctor.last_name),
            updated_at: doctor.updated_at,
        }
    }
}

impl Serialize for Doctor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        DoctorView::from(self).serialize(serializer)
    }
}

/// List all doctors.
#[utoipa::path(
    get, path = "/api/doctors/", operation_id = "doctors_list", tag = "doctors",
    params(Query<Doctor>),
    responses((status = 200, description = "The rows", body = [DoctorView])),
)]
pub async fn list(
    reader: DirectoryReader,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: Query<Doctor>,
) -> Result<Response> {
    list::list(db, tokens.seal(), reader.into_user(), &query).await
}

/// Add a doctor.
#[utoipa::path(
    post, path = "/api/doctors/", operation_id = "doctors_create", tag = "doctors",
    params(IdempotencyKey),
    request_body = DoctorInput,
    responses(
        (status = 201, description = "The doctor", body = DoctorView),
        (status = 400, body = ref("#/components/schemas/Detail"),
            examples(("taken" = (value = json!({
                "email": ["doctor with this email already exists."],
                "license_number": ["doctor with this license number already exists."],
            }))))),
    ),
)]
pub async fn create(
    user: CurrentUser,
    State(db): State<Db>,
    key: IdempotencyKey,
    body: Body<DoctorInput>,
) -> Result<Made<Doctor>> {
    db.doctors(&user).create(body.create(), &|field| body.text(field), key.of(&body)).await
}

/// Read a doctor.
#[utoipa::path(
    get, path = "/api/doctors/{id}/", operation_id = "doctors_retrieve", tag = "doctors", 
    params(Id<Doctor>, ("If-None-Match" = Option<String>, Header, description = "An `ETag` that you have the row of")),
    responses(
        (status = 200, description = "The doctor", body = DoctorView),
        (status = 304, description = "You have it as it is"),
    ),
)]
pub async fn retrieve(reader: DirectoryReader, State(db): State<Db>, id: Id<Doctor>) -> Result<Tagged<Doctor>> {
    db.directory(&reader).get(id).await.map(Tagged)
}

/// Replace a doctor's fields.
///
/// What is optional and left out stays.
#[utoipa::path(
    put, path = "/api/doctors/{id}/", operation_id = "doctors_update", tag = "doctors", params(Id<Doctor>, Preconditions),
    request_body = DoctorInput,
    responses((status = 200, description = "The doctor", body = DoctorView)),
)]
pub async fn update(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Doctor>,
    preconditions: Preconditions,
    body: Body<DoctorInput>,
) -> Result<Tagged<Doctor>> {
    let change = |doctor: &Doctor| preconditions.change(doctor, body.update(doctor));
    db.doctors(&user).update(id, change, &|field| body.text(field)).await.map(Tagged)
}

/// Change some of a doctor's fields.
#[utoipa::path(
    patch, path = "/api/doctors/{id}/", operation_id = "doctors_partial_update", tag = "doctors",
    params(Id<Doctor>, Preconditions),
    request_body(content = DoctorInput, example = json!({ "specialty": "Neurology" })),
    responses((status = 200, description = "The doctor", body = DoctorView)),
)]
pub async fn partial_update(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Doctor>,
    preconditions: Preconditions,
    body: Body<DoctorInput>,
) -> Result<Tagged<Doctor>> {
    let change = |doctor: &Doctor| preconditions.change(doctor, body.partial_update(doctor));
    db.doctors(&user).update(id, change, &|field| body.text(field)).await.map(Tagged)
}

/// Delete a doctor.
///
/// Not if patients of other users are assigned to it.
#[utoipa::path(
    delete, path = "/api/doctors/{id}/", operation_id = "doctors_destroy", tag = "doctors", params(Id<Doctor>, Preconditions),
    responses(
        (status = 204, description = "Gone for good, and your own mappings with it"),
        (status = 409, description = "Patients of other users are assigned to it",
            body = ref("#/components/schemas/Detail"),
            example = json!(ApiError::DoctorIsAssigned.body())),
    ),
)]
pub async fn destroy(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Doctor>,
    preconditions: Preconditions,
) -> Result<NoContent> {
    db.doctors(&user).delete(id, preconditions.of_row()).await.map(|()| NoContent)
}
