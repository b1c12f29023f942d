//! `/api/mappings/`: which doctors look after a user's own patients.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

use super::{Created, Json, NoContent, Refusals, doctors::DoctorView, names, timestamp};
use crate::{
    auth::CurrentUser,
    db::{
        Db, Id,
        doctors::Doctor,
        mappings::{Mapping, NewMapping},
        patients::Patient,
    },
    error::Result,
    input::{Body, Input},
};

/// Who is assigned to whom.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = MappingRequest)]
pub struct MappingInput {
    /// The number of one of your own patients.
    #[schema(value_type = i64, minimum = 1)]
    patient: Option<Pk>,
    /// The doctor's number.
    #[schema(value_type = i64, minimum = 1)]
    doctor: Option<Pk>,
}

impl Input for MappingInput {
    const REQUIRED: &'static [(&'static str, &'static [&'static str])] =
        &[("patient", &[]), ("doctor", &[])];
}

impl From<MappingInput> for NewMapping {
    fn from(input: MappingInput) -> Self {
        let (patient, doctor) = (
            input.patient.unwrap_or_default(),
            input.doctor.unwrap_or_default(),
        );
        Self {
            patient: patient.id.into(),
            doctor: doctor.id.into(),
            doctor_as_sent: doctor.as_sent,
        }
    }
}

/// A number that stands for a row (Django REST framework's `PrimaryKeyRelatedField`): 1 or "1".
#[derive(Default, Serialize)]
struct Pk {
    /// 0 for one that is beyond PostgreSQL's numbers.
    id: i64,
    as_sent: String,
}

impl<'de> Deserialize<'de> for Pk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let (as_sent, kind) = match &value {
            Value::String(text) if text.trim().is_empty() => {
                return Err(D::Error::custom("This field may not be null."));
            }
            Value::String(text) => (text.clone(), "str"),
            Value::Number(number) => (number.to_string(), "float"),
            Value::Bool(_) => (String::new(), "bool"),
            Value::Array(_) => (String::new(), "list"),
            Value::Object(_) | Value::Null => (String::new(), "dict"),
        };
        match super::number(&as_sent) {
            Some(id) => Ok(Self { id, as_sent }),
            None => Err(D::Error::custom(format!(
                "Incorrect type. Expected pk value, received {kind}."
            ))),
        }
    }
}

/// An assignment, as the API shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = Mapping)]
pub struct MappingView {
    id: i64,
    patient: i64,
    doctor: i64,
    patient_name: String,
    /// With "Dr." before it.
    doctor_name: String,
    #[serde(serialize_with = "timestamp")]
    assigned_at: DateTime<Utc>,
}

impl Serialize for Mapping {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let doctor = names::join(&self.doctor_first_name, &self.doctor_last_name);
        let view = MappingView {
            id: self.id,
            patient: self.patient_id,
            doctor: self.doctor_id,
            patient_name: names::join(&self.patient_first_name, &self.patient_last_name),
            doctor_name: if has_title(&doctor) {
                doctor
            } else {
                format!("Dr. {doctor}")
            },
            assigned_at: self.assigned_at,
        };
        view.serialize(serializer)
    }
}

fn has_title(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("dr.") || name.starts_with("dr ")
}

/// List the mappings of your patients.
#[utoipa::path(
    get, path = "/api/mappings/", operation_id = "mappings_list", tag = "mappings",
    responses((status = 200, description = "By ascending id", body = [MappingView]), Refusals),
)]
pub async fn list(user: CurrentUser, State(db): State<Db>) -> Result<Json<Vec<Mapping>>> {
    db.mappings(&user).list().await.map(Json)
}

/// Assign a doctor to one of your patients.
#[utoipa::path(
    post, path = "/api/mappings/", operation_id = "mappings_create", tag = "mappings",
    request_body = MappingInput,
    responses((status = 201, description = "The mapping", body = MappingView), Refusals),
)]
pub async fn create(
    user: CurrentUser,
    State(db): State<Db>,
    body: Body<MappingInput>,
) -> Result<Created<Mapping>> {
    let patient = body.text("patient").and_then(|text| super::number(&text));
    db.mappings(&user)
        .create(body.read().map(Into::into), patient.map(Id::from))
        .await
        .map(Created)
}

/// List the mappings of one of your patients.
#[utoipa::path(
    get, path = "/api/mappings/by-patient/{id}/", operation_id = "mappings_by_patient_list", tag = "mappings",
    params(Id<Patient>),
    responses((status = 200, description = "By ascending id", body = [MappingView]), Refusals),
)]
pub async fn by_patient(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
) -> Result<Json<Vec<Mapping>>> {
    db.mappings(&user).of_patient(id).await.map(Json)
}

/// List the doctors of one of your patients: the number is the patient's.
#[utoipa::path(
    get, path = "/api/mappings/{id}/", operation_id = "mappings_doctors_list", tag = "mappings", params(Id<Patient>),
    responses((status = 200, description = "By ascending id", body = [DoctorView]), Refusals),
)]
pub async fn doctors(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Patient>,
) -> Result<Json<Vec<Doctor>>> {
    db.mappings(&user).doctors_of(id).await.map(Json)
}

/// Remove a doctor from a patient: the number is the mapping's.
#[utoipa::path(
    delete, path = "/api/mappings/{id}/", operation_id = "mappings_destroy", tag = "mappings", params(Id<Mapping>),
    responses((status = 204, description = "Gone for good"), Refusals),
)]
pub async fn destroy(
    user: CurrentUser,
    State(db): State<Db>,
    id: Id<Mapping>,
) -> Result<NoContent> {
    db.mappings(&user).delete(id).await.map(|()| NoContent)
}
