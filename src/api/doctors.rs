//! `/api/doctors/`: the directory that all users share.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use validator::Validate;

use super::{
    answer::{NoContent, Show, timestamp},
    caller::caller_first,
    conditional::{Preconditions, WithEtag},
    idempotency::IdempotencyKey,
    list, names,
    query::ListQuery,
};
use crate::{
    auth::{DirectoryEditor, DirectoryReader, Tokens},
    db::{
        Db, Id,
        doctors::{Doctor, DoctorChange, Doctors, NewDoctor},
        idempotency::Inserted,
    },
    error::{ApiError, Detail, Result},
    input::{self, Body, Input, Record},
};

/// A doctor. POST and PUT require `specialty`, and `first_name` and `last_name` (or `name`).
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = DoctorRequest, example = json!({
    "first_name": "Emily", "last_name": "Carter", "specialty": "Cardiology", "phone_number": "9876543210",
    "email": "emily.carter@example.com", "license_number": "LIC123",
}))]
pub struct DoctorInput {
    #[validate(length(min = 1, max = 150))]
    first_name: Option<String>,
    /// Required, unless you send `name`. An empty value is accepted if it is already empty.
    #[validate(length(min = 1, max = 150))]
    last_name: Option<String>,
    /// The full name, in place of its parts: the last word becomes the last name. If you send both, POST uses the parts, PUT
    /// and PATCH the one that you changed.
    #[validate(length(min = 1, max = 150))]
    name: Option<String>,
    #[validate(length(min = 1, max = 120))]
    specialty: Option<String>,
    #[validate(length(max = 20))]
    #[serde(deserialize_with = "input::phone_number")]
    phone_number: Option<String>,
    /// An address with a dot in its domain. No two doctors share one. Empty or null: none.
    #[schema(format = Email)]
    #[validate(length(max = 254), custom(function = "input::email_address"))]
    #[serde(deserialize_with = "input::email")]
    email: Option<Option<String>>,
    /// No two doctors share one. Empty or null: none.
    #[validate(length(max = 50))]
    license_number: Option<Option<String>>,
}

impl DoctorInput {
    /// First and last name: from the parts, or from the full name.
    fn names(&mut self) -> (Option<String>, Option<String>) {
        let (first, last) = self.name.as_deref().map(names::split).unzip();
        (self.first_name.take().or(first), self.last_name.take().or(last))
    }
}

impl Input for DoctorInput {
    type New = NewDoctor;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("first_name", &["name"]), ("last_name", &["name"]), ("specialty", &[])];
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] = &[("name", &["first_name", "last_name"])];

    fn into_new(mut self) -> Option<NewDoctor> {
        let (first_name, last_name) = self.names();
        Some(NewDoctor {
            first_name: first_name?,
            last_name: last_name?,
            specialty: self.specialty?,
            phone_number: self.phone_number.unwrap_or_default(),
            email: self.email.flatten(),
            license_number: self.license_number.flatten(),
        })
    }
}

impl Record for DoctorInput {
    type Row = Doctor;
    type Change = DoctorChange;

    fn shown(doctor: &Doctor) -> Value {
        json!(doctor.view())
    }

    fn into_change(mut self, replaced: Option<&Doctor>) -> DoctorChange {
        let (first_name, last_name) = self.names();
        DoctorChange {
            first_name: first_name.or_else(|| replaced.map(|row| row.first_name.clone())),
            last_name: last_name.or_else(|| replaced.map(|row| row.last_name.clone())),
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

impl<S: AsRef<str>> Show for Doctor<S> {
    fn view(&self) -> impl Serialize {
        DoctorView {
            id: self.id,
            first_name: self.first_name.as_ref(),
            last_name: self.last_name.as_ref(),
            specialty: self.specialty.as_ref(),
            phone_number: self.phone_number.as_ref(),
            email: self.email.as_ref().map(AsRef::as_ref),
            license_number: self.license_number.as_ref().map(AsRef::as_ref),
            created_at: self.created_at,
            name: names::join(self.first_name.as_ref(), self.last_name.as_ref()),
            updated_at: self.updated_at,
        }
    }
}

/// The error of a body, with its unique values that belong to a doctor other than `except`.
async fn with_taken<T>(
    doctors: &Doctors<'_>,
    body: &Body<DoctorInput>,
    except: Option<Id<Doctor>>,
    read: Result<T>,
) -> Result<T> {
    let Err(ApiError::Invalid(errors)) = read else { return read };
    let good = |field| body.text(field).filter(|_| !errors.has(field));
    let taken = doctors.taken(good("email").as_deref(), good("license_number").as_deref(), except).await?;
    Err(ApiError::Invalid(errors.and(taken)))
}

/// List all doctors.
#[utoipa::path(
    get, path = "/api/doctors/", operation_id = "doctors_list", tag = "doctors",
    params(ListQuery<Doctor>),
    responses((status = 200, description = "The doctors", body = [DoctorView])),
)]
pub async fn list(
    reader: DirectoryReader,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: ListQuery<Doctor>,
) -> Response {
    list::list(db, tokens.seal(), reader.into_user(), &query).await
}

/// Add a doctor.
#[utoipa::path(
    post, path = "/api/doctors/", operation_id = "doctors_create", tag = "doctors",
    params(IdempotencyKey),
    request_body = DoctorInput,
    responses(
        (status = 201, description = "The doctor", body = DoctorView),
        (status = 400, body = Detail,
            examples(("taken" = (value = json!({
                "email": ["doctor with this email already exists."],
                "license_number": ["doctor with this license number already exists."],
            }))))),
    ),
)]
pub async fn create(
    editor: DirectoryEditor,
    State(db): State<Db>,
    key: IdempotencyKey,
    body: Body<DoctorInput>,
) -> Result<Inserted<Doctor>> {
    let doctors = db.doctors(&editor).await?;
    let new = caller_first(&db, editor.user(), body.new_value()).await;
    let new = with_taken(&doctors, &body, None, new).await?;
    let key = caller_first(&db, editor.user(), key.of(&body)).await?;
    doctors.create(&new, key.as_ref()).await
}

/// Read a doctor.
#[utoipa::path(
    get, path = "/api/doctors/{id}/", operation_id = "doctors_retrieve", tag = "doctors", 
    params(Id<Doctor>, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the version that you have")),
    responses(
        (status = 200, description = "The doctor", body = DoctorView),
        (status = 304, description = "You have the current version"),
    ),
)]
pub async fn retrieve(reader: DirectoryReader, State(db): State<Db>, id: Id<Doctor>) -> Result<WithEtag<Doctor>> {
    db.directory(&reader).get(id).await.map(WithEtag)
}

/// Replace a doctor's fields.
///
/// Optional fields that you leave out keep their values.
#[utoipa::path(
    put, path = "/api/doctors/{id}/", operation_id = "doctors_update", tag = "doctors", params(Id<Doctor>, Preconditions),
    request_body = DoctorInput,
    responses((status = 200, description = "The doctor", body = DoctorView)),
)]
pub async fn update(
    editor: DirectoryEditor,
    State(db): State<Db>,
    id: Result<Id<Doctor>>,
    preconditions: Preconditions,
    body: Body<DoctorInput>,
) -> Result<WithEtag<Doctor>> {
    let doctors = db.doctors(&editor).await?;
    let id = id?;
    let doctor = doctors.get(id).await?;
    let change = with_taken(&doctors, &body, Some(id), body.update(&doctor)).await?;
    let version = preconditions.check(&doctor)?;
    doctors.update(id, &change, version).await.map(WithEtag)
}

/// Change some of a doctor's fields.
#[utoipa::path(
    patch, path = "/api/doctors/{id}/", operation_id = "doctors_partial_update", tag = "doctors",
    params(Id<Doctor>, Preconditions),
    request_body(content = DoctorInput, example = json!({ "specialty": "Neurology" })),
    responses((status = 200, description = "The doctor", body = DoctorView)),
)]
pub async fn partial_update(
    editor: DirectoryEditor,
    State(db): State<Db>,
    id: Result<Id<Doctor>>,
    preconditions: Preconditions,
    body: Body<DoctorInput>,
) -> Result<WithEtag<Doctor>> {
    let doctors = db.doctors(&editor).await?;
    let id = id?;
    let doctor = doctors.get(id).await?;
    let change = with_taken(&doctors, &body, Some(id), body.partial_update(&doctor)).await?;
    let version = preconditions.check(&doctor)?;
    doctors.update(id, &change, version).await.map(WithEtag)
}

/// Delete a doctor.
///
/// Fails if patients of other users are assigned to the doctor.
#[utoipa::path(
    delete, path = "/api/doctors/{id}/", operation_id = "doctors_destroy", tag = "doctors", params(Id<Doctor>, Preconditions),
    responses(
        (status = 204, description = "Deleted, with your own mappings of it"),
        (status = 409, description = "Patients of other users are assigned to the doctor",
            body = Detail,
            example = json!({ "detail": "This doctor is assigned to patients of other users." })),
    ),
)]
pub async fn destroy(
    editor: DirectoryEditor,
    State(db): State<Db>,
    id: Result<Id<Doctor>>,
    preconditions: Preconditions,
) -> Result<NoContent> {
    let doctors = db.doctors(&editor).await?;
    let id = id?;
    let version = preconditions.check_if_any(doctors.get(id)).await?;
    doctors.delete(id, version).await.map(|()| NoContent)
}
