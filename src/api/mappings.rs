//! `/api/mappings/`: which doctors look after a user's own patients.

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

use super::{
    answer::{NoContent, Rows, Show, timestamp},
    caller::caller_first,
    doctors::DoctorView,
    idempotency::IdempotencyKey,
    list, names,
    path::number,
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Tokens},
    db::{
        Db, Id,
        doctors::Doctor,
        idempotency::Inserted,
        mappings::{Mapping, Mappings, NOT_YOUR_PATIENT, NewMapping},
        patients::Patient,
    },
    error::{ApiError, Detail, Result},
    input::{self, Body, Input},
};

/// A doctor for a patient.
#[derive(Deserialize, Validate, ToSchema)]
#[schema(as = MappingRequest, example = json!({ "patient": 1, "doctor": 1 }))]
pub struct MappingInput {
    /// The number of one of your own patients.
    #[schema(value_type = Option<i64>, minimum = 1)]
    patient: Option<Pk>,
    /// The number of the doctor.
    #[schema(value_type = Option<i64>, minimum = 1)]
    doctor: Option<Pk>,
}

impl Input for MappingInput {
    type New = NewMapping;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("patient", &[]), ("doctor", &[])];

    fn into_new(self) -> Option<NewMapping> {
        let (patient, doctor) = (self.patient?, self.doctor?);
        Some(NewMapping { patient: patient.id.into(), doctor: doctor.id.into(), doctor_as_sent: doctor.as_sent })
    }
}

/// A number that stands for a row (Django REST framework's `PrimaryKeyRelatedField`): 1 or "1".
struct Pk {
    /// 0 if the number is too large for PostgreSQL.
    id: i64,
    as_sent: String,
}

impl<'de> Deserialize<'de> for Pk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let (as_sent, kind) = match &value {
            Value::String(text) if input::strip(text).is_empty() => {
                return Err(D::Error::custom("This field may not be null."));
            }
            Value::String(text) => (text.clone(), "str"),
            // 1.0 is an integer too (JSON Schema, 6.1.1)
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => (float.to_string(), "float"),
                _ => (number.to_string(), "int"),
            },
            Value::Bool(_) => (String::new(), "bool"),
            Value::Array(_) => (String::new(), "list"),
            Value::Object(_) | Value::Null => (String::new(), "dict"),
        };
        match number(&as_sent) {
            Some(id) => Ok(Self { id, as_sent }),
            None => Err(D::Error::custom(format!("Incorrect type. Expected pk value, received {kind}."))),
        }
    }
}

/// A mapping: the doctor looks after the patient.
#[derive(Serialize, ToSchema)]
#[schema(as = Mapping, example = json!({
    "id": 1, "patient": 1, "doctor": 1, "patient_name": "John Doe", "doctor_name": "Dr. Emily Carter",
    "assigned_at": "2026-01-31T09:30:00.123456Z",
}))]
pub struct MappingView {
    id: i64,
    patient: i64,
    doctor: i64,
    patient_name: String,
    /// "Dr." and the name.
    doctor_name: String,
    #[serde(serialize_with = "timestamp")]
    assigned_at: DateTime<Utc>,
}

impl<S: AsRef<str>> Show for Mapping<S> {
    fn view(&self) -> impl Serialize {
        let doctor = names::join(self.doctor_first_name.as_ref(), self.doctor_last_name.as_ref());
        MappingView {
            id: self.id,
            patient: self.patient_id,
            doctor: self.doctor_id,
            patient_name: names::join(self.patient_first_name.as_ref(), self.patient_last_name.as_ref()),
            doctor_name: if has_title(&doctor) { doctor } else { format!("Dr. {doctor}") },
            assigned_at: self.assigned_at,
        }
    }
}

fn has_title(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("dr.") || name.starts_with("dr ")
}

/// List the mappings of your patients.
#[utoipa::path(
    get, path = "/api/mappings/", operation_id = "mappings_list", tag = "mappings",
    params(ListQuery<Mapping>),
    responses((status = 200, description = "The mappings", body = [MappingView])),
)]
pub async fn list(
    user: CurrentUser,
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    query: ListQuery<Mapping>,
) -> Response {
    list::list(db, tokens.seal(), Some(user), &query).await
}

/// Assign a doctor to one of your patients.
#[utoipa::path(
    post, path = "/api/mappings/", operation_id = "mappings_create", tag = "mappings",
    params(IdempotencyKey),
    request_body = MappingInput,
    responses(
        (status = 201, description = "The mapping", body = MappingView),
        (status = 400, body = Detail,
            examples(
                ("foreign_patient" = (value = json!(ApiError::BadRequest(NOT_YOUR_PATIENT.into()).body()))),
                ("no_such_doctor" = (value = json!({
                    "doctor": ["Invalid pk \"9\" - object does not exist."],
                }))),
                ("assigned_already" = (value = json!({
                    "non_field_errors": ["The fields patient, doctor must make a unique set."],
                }))),
            )),
    ),
)]
pub async fn create(
    user: CurrentUser,
    State(db): State<Db>,
    key: IdempotencyKey,
    body: Body<MappingInput>,
) -> Result<Inserted<Mapping>> {
    let mappings = db.mappings(&user);
    let new = caller_first(&db, &user, body.new_value()).await;
    let new = patient_first(&mappings, &body, new).await?;
    let key = caller_first(&db, &user, key.of(&body)).await?;
    mappings.create(&new, key.as_ref()).await
}

/// The 400 for a patient of somebody else comes before the other errors of a body.
async fn patient_first<T>(mappings: &Mappings<'_>, body: &Body<MappingInput>, read: Result<T>) -> Result<T> {
    if let Err(ApiError::Invalid(_)) = read
        && let Some(patient) = body.text("patient").and_then(|text| number(&text))
    {
        mappings.check_patient(patient.into()).await?;
    }
    read
}

/// List the mappings of one of your patients.
///
/// Also served as `/api/mappings/patient/{id}/`.
#[utoipa::path(
    get, path = "/api/mappings/by-patient/{id}/", operation_id = "mappings_by_patient_list", tag = "mappings",
    params(Id<Patient>),
    responses((status = 200, description = "In the order of their ids", body = [MappingView])),
)]
pub async fn by_patient(user: CurrentUser, State(db): State<Db>, id: Id<Patient>) -> Result<Rows<Mapping>> {
    db.mappings(&user).of_patient(id).await.map(Rows)
}

/// List the doctors of one of your patients.
///
/// The number in the path is the patient's.
#[utoipa::path(
    get, path = "/api/mappings/{id}/", operation_id = "mappings_doctors_list", tag = "mappings", params(Id<Patient>),
    responses((status = 200, description = "In the order of their ids", body = [DoctorView])),
)]
pub async fn doctors(user: CurrentUser, State(db): State<Db>, id: Id<Patient>) -> Result<Rows<Doctor>> {
    db.mappings(&user).doctors_of(id).await.map(Rows)
}

/// Remove a doctor from a patient.
///
/// The number in the path is the mapping's.
#[utoipa::path(
    delete, path = "/api/mappings/{id}/", operation_id = "mappings_destroy", tag = "mappings", params(Id<Mapping>),
    responses((status = 204, description = "Removed")),
)]
pub async fn destroy(user: CurrentUser, State(db): State<Db>, id: Id<Mapping>) -> Result<NoContent> {
    db.mappings(&user).delete(id).await.map(|()| NoContent)
}
