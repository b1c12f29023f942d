//! What can go wrong, as the client sees it: every refusal is one of these, and leaves as Django REST framework's JSON.

use axum::{
    http::{
        HeaderValue, Method, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{
    api::Json,
    auth::Unauthenticated,
    input::{FieldErrors, NON_FIELD_ERRORS},
};

/// The result of everything that can refuse a request.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// A refusal; each variant is a shape on the wire.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// 400, `{"<field>": ["message", …], …}`.
    #[error("invalid fields")]
    Invalid(FieldErrors),
    /// 400, `{"detail": …}`: the request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// 401, with `WWW-Authenticate`.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// 404: there is no such row, or it is not the caller's; nobody can tell which.
    #[error("no {0}")]
    NoRow(&'static str),
    /// 404: nothing is served under this path.
    #[error("not found")]
    NotFound,
    /// 400: the patient of a mapping is somebody else's, or nobody's.
    #[error("not the caller's patient")]
    NotYourPatient,
    /// 405.
    #[error("method {0} not allowed")]
    MethodNotAllowed(Method),
    /// 406.
    #[error("not acceptable")]
    NotAcceptable,
    /// 408: the body did not come in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// 409: the doctor looks after other users' patients.
    #[error("the doctor is assigned to patients of others")]
    DoctorIsAssigned,
    /// 413, with the limit in bytes.
    #[error("the body is over {0} bytes")]
    TooLarge(usize),
    /// 415, with the content type that was sent.
    #[error("unsupported media type {0:?}")]
    UnsupportedMediaType(String),
    /// 500: a fault of ours. The cause is logged, never shown.
    #[error("{0}")]
    Internal(String),
    /// 503, `Retry-After: 1`: the database is away, or there is more to do than can be done.
    #[error("{0}")]
    Unavailable(String),
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Malformed(_) | Self::NotYourPatient => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::NoRow(_) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::DoctorIsAssigned => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(&self) -> Value {
        let detail = match self {
            Self::Invalid(errors) => return json!(errors),
            Self::Unauthenticated(refusal) => return refusal.body(),
            Self::Malformed(detail) => detail.clone(),
            Self::NoRow(model) => format!("No {model} matches the given query."),
            Self::NotFound => "Not found.".into(),
            Self::NotYourPatient => "You can only assign doctors to your own patients.".into(),
            Self::DoctorIsAssigned => "This doctor is assigned to patients of other users.".into(),
            Self::MethodNotAllowed(method) => format!("Method \"{method}\" not allowed."),
            Self::NotAcceptable => "Could not satisfy the request Accept header.".into(),
            Self::Timeout => "The request body did not arrive in time.".into(),
            Self::TooLarge(limit) => format!("The request body is larger than {limit} bytes."),
            Self::UnsupportedMediaType(sent) => {
                format!("Unsupported media type \"{sent}\" in request.")
            }
            Self::Internal(_) => "A server error occurred.".into(),
            Self::Unavailable(_) => "Service temporarily unavailable, try again later.".into(),
        };
        json!({ "detail": detail })
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(cause) => tracing::error!("{cause}"),
            Self::Unavailable(cause) => tracing::warn!("{cause}"),
            _ => {}
        }
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Unauthenticated(_) => {
                let challenge = HeaderValue::from_static("Bearer realm=\"api\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::Unavailable(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// What each constraint of the database says to a client: constraint, field, message.
///
/// The unique ones are how a taken value is found out. The others repeat rules that `input` has checked before.
pub const CONSTRAINTS: &[(&str, &str, &str)] = &[
    (
        "users_email_key",
        "email",
        "user with this email already exists.",
    ),
    (
        "users_username_key",
        "username",
        "A user with that username already exists.",
    ),
    (
        "users_email_check",
        "email",
        "Ensure this field has no more than 254 characters.",
    ),
    (
        "users_username_check",
        "username",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "users_name_check",
        "name",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "sessions_user_id_fkey",
        "user",
        "Invalid user - object does not exist.",
    ),
    ("audit_log_via_check", "via", "Not a valid choice."),
    ("audit_log_action_check", "action", "Not a valid choice."),
    (
        "patients_created_by_fkey",
        "created_by",
        "Invalid user - object does not exist.",
    ),
    (
        "patients_first_name_check",
        "first_name",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "patients_last_name_check",
        "last_name",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "patients_date_of_birth_check",
        "date_of_birth",
        crate::input::DATE_FORMAT,
    ),
    ("patients_gender_check", "gender", "Not a valid choice."),
    (
        "patients_address_check",
        "address",
        "Ensure this field has no more than 1000 characters.",
    ),
    (
        "patients_phone_number_check",
        "phone_number",
        "Ensure this field has no more than 20 characters.",
    ),
    (
        "patients_email_check",
        "email",
        "Ensure this field has no more than 254 characters.",
    ),
    (
        "patients_medical_history_check",
        "medical_history",
        "Ensure this field has no more than 100000 characters.",
    ),
    (
        "doctors_email_key",
        "email",
        "doctor with this email already exists.",
    ),
    (
        "doctors_license_number_key",
        "license_number",
        "doctor with this license number already exists.",
    ),
    (
        "doctors_first_name_check",
        "first_name",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "doctors_last_name_check",
        "last_name",
        "Ensure this field has no more than 150 characters.",
    ),
    (
        "doctors_specialty_check",
        "specialty",
        "Ensure this field has no more than 120 characters.",
    ),
    (
        "doctors_phone_number_check",
        "phone_number",
        "Ensure this field has no more than 20 characters.",
    ),
    (
        "doctors_email_check",
        "email",
        "Ensure this field has no more than 254 characters.",
    ),
    (
        "doctors_license_number_check",
        "license_number",
        "Ensure this field has no more than 50 characters.",
    ),
    (
        "patient_doctor_mappings_patient_id_fkey",
        "patient",
        "Invalid pk - object does not exist.",
    ),
    (
        "patient_doctor_mappings_doctor_id_fkey",
        "doctor",
        "Invalid pk - object does not exist.",
    ),
    (
        "patient_doctor_mappings_patient_id_doctor_id_key",
        NON_FIELD_ERRORS,
        "The fields patient, doctor must make a unique set.",
    ),
];

/// A cause in the database, as an answer: by SQLSTATE and constraint.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_) => Self::Unavailable(format!("database: {error}")),
                _ => Self::Internal(format!("database: {error}")),
            };
        };
        let code = database.code().unwrap_or_default();
        // never the message: it may quote what a patient's row holds
        let cause = format!(
            "database: {code} {}",
            database.constraint().unwrap_or_default()
        );
        match code.as_ref() {
            // no such database, shutting down or starting up, out of time, lost a race
            "3D000" | "55000" | "57014" | "57P01" | "57P02" | "57P03" | "55P03" | "40001"
            | "40P01" => Self::Unavailable(cause),
            // connection lost, not let in, out of resources
            code if ["08", "28", "53"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Self::Unavailable(cause)
            }
            "23001" if database.constraint() == Some("doctors_assigned_to_others") => {
                Self::DoctorIsAssigned
            }
            // the account went while it was acting
            "23503" if database.constraint() == Some("patients_created_by_fkey") => {
                Unauthenticated::UserNotFound.into()
            }
            "23505" | "23503" | "23514" => match database.constraint().and_then(constraint_fault) {
                Some((field, message)) => {
                    if code != "23505" {
                        tracing::error!("{cause}: validation should have refused this");
                    }
                    Self::Invalid(FieldErrors::one(field, message))
                }
                None => Self::Internal(cause),
            },
            "22001" | "22003" | "22008" | "22021" => {
                tracing::error!("{cause}: validation should have refused this");
                Self::Malformed("A value is out of range.".into())
            }
            _ => Self::Internal(cause),
        }
    }
}

/// The field and the message of a constraint.
pub fn constraint_fault(constraint: &str) -> Option<(&'static str, &'static str)> {
    CONSTRAINTS
        .iter()
        .find(|(name, _, _)| *name == constraint)
        .map(|(_, field, message)| (*field, *message))
}
