//! What an error of the database is to a client: by SQLSTATE, and by the name of the constraint.

use std::io::ErrorKind;

use super::{ApiError, FieldErrors, NON_FIELD_ERRORS, Unauthenticated};

/// Constraints whose message is not the one of their kind: constraint, field, message.
const MESSAGES: &[(&str, &str, &str)] = &[
    ("users_username_key", "username", "A user with that username already exists."),
    (
        "patient_doctor_mappings_patient_id_doctor_id_key",
        NON_FIELD_ERRORS,
        "The fields patient, doctor must make a unique set.",
    ),
];

/// The field and the message of a broken constraint, by its name: `<table>_<column>_<kind>`.
///
/// A unique one (`key`) is how a taken value is found out. The others (`check`, `fkey`) repeat what was validated before.
pub fn constraint_error(table: &str, constraint: &str) -> Option<(String, String)> {
    if let Some((_, field, message)) = MESSAGES.iter().find(|(name, ..)| *name == constraint) {
        return Some(((*field).into(), (*message).into()));
    }
    let (column, kind) = constraint.strip_prefix(table)?.strip_prefix('_')?.rsplit_once('_')?;
    let message = match kind {
        "key" => {
            let row = table.strip_suffix('s').unwrap_or(table);
            format!("{row} with this {} already exists.", column.replace('_', " "))
        }
        "check" => "Invalid value.".into(),
        "fkey" => "Invalid pk - object does not exist.".into(),
        _ => return None,
    };
    Some((column.strip_suffix("_id").unwrap_or(column).into(), message))
}

/// Whether a statement waited too long for what another transaction holds.
pub fn is_locked(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(error) if error.kind() == ErrorKind::ResourceBusy => Self::Busy("statements"),
                // a connection that is cut before it is agreed whether it has TLS is a fault of the protocol to sqlx
                sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_) => Self::Unavailable(format!("database: {error}")),
                _ => Self::Internal(format!("database: {error}")),
            };
        };
        let code = database.code().unwrap_or_default();
        let constraint = database.constraint().unwrap_or_default();
        // never the message: it may quote what a patient's row holds
        let cause = format!("database: {code} {constraint}");
        match code.as_ref() {
            // read-only, as a standby is; a transaction that took too long; no such database, or not ready; a lock
            "25006" | "25P03" | "25P04" | "3D000" | "55000" | "55006" | "55P03" => Self::Unavailable(cause),
            // connection lost, not let in, lost a race, out of resources, out of time or shutting down, a disk that fails
            code if ["08", "28", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Self::Unavailable(cause)
            }
            "23001" if constraint == "doctors_assigned_to_others" => {
                Self::Conflict("This doctor is assigned to patients of other users.")
            }
            // the account went while it was acting
            "23503" if ["_created_by_fkey", "_user_id_fkey"].iter().any(|end| constraint.ends_with(end)) => {
                Unauthenticated::UserNotFound.into()
            }
            "23505" if constraint == "idempotency_keys_pkey" => Self::KEY_IN_USE,
            "23505" | "23503" | "23514" => match constraint_error(database.table().unwrap_or_default(), constraint) {
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
                Self::BadRequest("A value is out of range.".into())
            }
            _ => Self::Internal(cause),
        }
    }
}
