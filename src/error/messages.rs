//! The messages of errors of fields, in Django REST framework's words.

use std::fmt::Display;

pub const REQUIRED: &str = "This field is required.";
pub const BLANK: &str = "This field may not be blank.";
pub const NULL: &str = "This field may not be null.";
/// PostgreSQL stores no NUL.
pub const NUL: &str = "Null characters are not allowed.";
pub const NOT_A_STRING: &str = "Not a valid string.";
pub const NOT_AN_INTEGER: &str = "A valid integer is required.";
pub const EMAIL: &str = "Enter a valid email address.";
pub const UNKNOWN_PARAMETER: &str = "Unknown parameter.";
pub const DATE_FORMAT: &str = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";

pub const TIME_FORMAT: &str = "Datetime has wrong format. Use one of these formats instead: \
                               YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
pub const NOT_A_BOOLEAN: &str = "Must be a valid boolean.";

/// A text has more than `max` characters.
pub fn too_long(max: impl Display) -> String {
    format!("Ensure this field has no more than {max} characters.")
}

/// A number is over `max`.
pub fn too_great(max: impl Display) -> String {
    format!("Ensure this value is less than or equal to {max}.")
}

/// A number is under `min`.
pub fn too_small(min: impl Display) -> String {
    format!("Ensure this value is greater than or equal to {min}.")
}

/// How many characters of a text a message quotes.
pub const LONGEST_QUOTE: usize = 200;

/// A text is none of the choices. A long one is cut.
pub fn not_a_choice(text: &str) -> String {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("\"{}…\" is not a valid choice.", text.split_at(end).0),
        None => format!("\"{text}\" is not a valid choice."),
    }
}
