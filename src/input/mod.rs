//! What clients send. The plain struct of a body is its schema, its rules and the list of its faults: all of them are
//! reported at once, in Django REST framework's words.

use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

mod body;
mod errors;
mod field;
mod python;
mod read;
mod rules;
mod schema;

pub use body::{BODY_LIMIT, Body};
pub use errors::{FieldErrors, NON_FIELD_ERRORS};
pub use field::{NUL, date, email, integer, parse_date, password, phone_number};
pub use python::{python_str, strip};
pub use rules::{
    DATE_FORMAT, email_address, not_a_choice, not_in_the_future, too_great, too_long, too_small, username,
};
pub use schema::{Accepted, Encoding, integer_or_text};

/// A body: a struct whose fields are all optional, because a PATCH may leave out any.
pub trait Input: DeserializeOwned + Validate + ToSchema {
    /// The fields that must be sent, each with those that may be sent in its place.
    const REQUIRED: &'static [(&'static str, &'static [&'static str])];

    /// The fields that say nothing beside others, each with those others: what is wrong with one does not matter then.
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] = &[];

    /// The rules that look at more than one field: field and message of each fault. A rule does not run if a field that
    /// it looks at is one of `too_long`: the length is said already, and may be what makes a rule slow.
    fn cross_faults(&self, _too_long: &[&str]) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A body that makes or changes a row.
pub trait Record: Input {
    /// The row as it is stored.
    type Row;
    /// What is set of it.
    type Fields;

    /// The row as the API shows it. What is sent back as it was shown counts as not sent.
    fn shown(row: &Self::Row) -> Value;

    /// Sets what was sent.
    fn fields(self) -> Self::Fields;
}
