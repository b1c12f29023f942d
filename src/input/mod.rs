//! What clients send. The plain struct of a body is its schema, its rules and the list of its errors: all of them are
//! reported at once, in Django REST framework's words.

use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use validator::Validate;

mod body;
mod field;
mod form;
mod json;
mod python;
mod read;
mod room;
mod rules;
mod schema;
mod words;

pub use body::{ACCOUNT_LIMIT, BODY_LIMIT, Body};
pub use field::{boolean, date, email, integer, password, phone_number, time};
pub use form::{Form, SmallForm};
pub use python::{python_str, strip};
pub use room::Room;
pub use rules::{email_address, in_the_future, not_in_the_future, username};
pub use schema::Accepted;
pub use words::{parse_boolean, parse_date, parse_time};

/// Errors: the field and the message of each.
pub type Errors = Vec<(&'static str, String)>;

/// A body: a struct whose fields are all optional, because a PATCH may leave out any.
pub trait Input: DeserializeOwned + Validate + ToSchema {
    /// What a whole body says.
    type New;

    /// The fields that must be sent, each with those that may be sent in its place.
    const REQUIRED: &'static [(&'static str, &'static [&'static str])];

    /// The largest body that is read, in bytes.
    const LIMIT: usize = BODY_LIMIT;

    /// The fields that count for nothing beside others, each with those others: an error of one does not matter then.
    const OVERRIDDEN: &'static [(&'static str, &'static [&'static str])] = &[];

    /// Fields that a client may expect to be read and that are not, each with its error. A value that the row shows
    /// already is none.
    const REFUSED: &'static [(&'static str, &'static str)] = &[];

    /// The rules that look at more than one field: field and message of each error. A rule does not run if a field that
    /// it looks at is one of `too_long`: the length is an error already, and may be what makes a rule slow.
    fn cross_errors(&self, _too_long: &[&str]) -> Errors {
        Vec::new()
    }

    /// What a body says that has all that is `REQUIRED`; else None.
    fn into_new(self) -> Option<Self::New>;
}

/// A body that makes or changes a row.
pub trait Record: Input {
    /// The row as it is stored.
    type Row;
    /// What to change of it.
    type Change;

    /// The row as the API shows it. What is sent back as it was shown counts as not sent.
    fn shown(row: &Self::Row) -> Value;

    /// What to change. `replaced` is the row of a PUT, which also writes what was sent back as it was: so of two PUTs at
    /// once one is there whole.
    fn into_change(self, replaced: Option<&Self::Row>) -> Self::Change;
}
