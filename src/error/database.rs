//! What a cause in the database is to a client: by constraint and by SQLSTATE.

use super::ApiError;
use crate::{
    auth::Unauthenticated,
    input::{FieldErrors, NON_FIELD_ERRORS},
};

/// What each constraint of the database says to a client: constraint, field, message.
///
/// The unique ones are how a taken value is found out. The others repeat rules that `input` has checked before.
pub const CONSTRAINTS: &[(&str, &str, &str)] = &[
    ("idempotency_keys_user_id_fkey", "user", "Invalid user - object does not exist."),
    ("idempotency_keys_key_check", "Idempotency-Key", "Ensure this field has no more than 255 characters."),
    ("patients_id_created_by_key", "id", "patient with this id already exists."),
    ("users_email_key", "email", "user with this email already exists."),
    ("users_username_key", "username", "A user with that username already exists."),
    ("users_email_check", "email", "Ensure this field has no more than 254 characters."),
    ("users_username_check", "username", "Ensure this field has no more than 150 characters."),
    ("users_name_check", "name", "Ensure this field has no more than 150 characters."),
    ("sessions_user_id_fkey", "user", "Invalid user - object does not exist."),
    ("audit_log_via_check", "via", "Not a valid choice."),
    ("audit_log_action_check", "action", "Not a valid choice."),
    ("patients_created_by_fkey", "created_by", "Invalid user - object does not exist."),
    ("patients_first_name_check", "first_name", "Ensure this field has no more than 150 characters."),
    ("patients_last_name_check", "last_name", "Ensure this field has no more than 150 characters."),
    ("patients_date_of_birth_check", "date_of_birth", crate::input::DATE_FORMAT),
    ("patients_gender_check", "gender", "Not a valid choice."),
    ("patients_address_check", "address", "Ensure this field has no more than 1000 characters."),
    ("patients_phone_number_check", "phone_number", "Ensure this field has no more than 20 characters."),
    ("patients_email_check", "email", "Ensure this field has no more than 254 characters."),
    ("patients_medical_history_check", "medical_history", "Ensure this field has no more than 100000 characters."),
    ("doctors_email_key", "email", "doctor with this email already exists."),
    ("doctors_license_number_key", "license_number", "doctor with this license number already exists."),
    ("doctors_first_name_check", "first_name", "Ensure this field has no more than 150 characters."),
    ("doctors_last_name_check", "last_name", "Ensure this field has no more than 150 characters."),
    ("doctors_specialty_check", "specialty", "Ensure this field has no more than 120 characters."),
    ("doctors_phone_number_check", "phone_number", "Ensure this field has no more than 20 characters."),
    ("doctors_email_check", "email", "Ensure this field has no more than 254 characters."),
    ("doctors_license_number_check", "license_number", "Ensure this field has no more than 50 characters."),
    ("patient_doctor_mappings_patient_id_fkey", "patient", "Invalid pk - object does not exist."),
    ("patient_doctor_mappings_doctor_id_fkey", "doctor", "Invalid pk - object does not exist."),
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
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
                    Self::Unavailable(format!("database: {error}"))
                }
                _ => Self::Internal(format!("database: {error}")),
            };
        };
        let code = database.code().unwrap_or_default();
        // never the message: it may quote what a patient's row holds
        let cause = format!("database: {code} {}", database.constraint().unwrap_or_default());
        match code.as_ref() {
            "55P03" => Self::Locked(cause),
            // read-only, as a standby is; a transaction that took too long; no such database, or not ready
            "25006" | "25P03" | "25P04" | "3D000" | "55000" | "55006" => Self::Unavailable(cause),
            // connection lost, not let in, lost a race, out of resources, out of time or shutting down, a disk that fails
            code if ["08", "28", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Self::Unavailable(cause)
            }
            "23001" if database.constraint() == Some("doctors_assigned_to_others") => Self::DoctorIsAssigned,
            // the account went while it was acting
            "23503" if database.constraint() == Some("patients_created_by_fkey") => {
                Unauthenticated::UserNotFound.into()
            }
            "23505" if database.constraint() == Some("idempotency_keys_pkey") => Self::KeyInUse,
            "23505" | "23503" | "23514" => match database.constraint().and_then(constraint_fault) {
                Some((field, message)) => {
                    if code != "23505" {
                        tracing::error!("{cause}: validation should have refused this");
                    }
                    Self::Invalid(FieldErrors::one(field, message))
                }
                None => Self::Internal(cause),
            },
            // the last ones: too long for an index, too deep for the parser
            "22001" | "22003" | "22008" | "22021" | "54000" | "54001" => {
                tracing::error!("{cause}: validation should have refused this");
                Self::Malformed("A value is out of range.".into())
            }
            _ => Self::Internal(cause),
        }
    }
}

/// The field and the message of a constraint.
pub fn constraint_fault(constraint: &str) -> Option<(&'static str, &'static str)> {
    CONSTRAINTS.iter().find(|(name, _, _)| *name == constraint).map(|(_, field, message)| (*field, *message))
}
