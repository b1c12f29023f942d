//! The words of Django REST framework.

use serde_json::{Map, Value, json};

pub const REQUIRED: &str = "This field is required.";
pub const BLANK: &str = "This field may not be blank.";
pub const NULL: &str = "This field may not be null.";
pub const NUL: &str = "Null characters are not allowed.";
pub const NOT_A_STRING: &str = "Not a valid string.";
pub const NOT_AN_INTEGER: &str = "A valid integer is required.";
pub const NOT_AN_EMAIL: &str = "Enter a valid email address.";
pub const NOT_A_DATE: &str = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";
pub const NOT_A_USERNAME: &str =
    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
pub const EMAIL_IS_TAKEN: &str = "user with this email already exists.";
pub const TOO_SHORT: &str = "This password is too short. It must contain at least 8 characters.";
pub const TOO_COMMON: &str = "This password is too common.";
pub const ALL_DIGITS: &str = "This password is entirely numeric.";
pub const NOT_UNIQUE: &str = "The fields patient, doctor must make a unique set.";
pub const BAD_CREDENTIALS: &str = "No active account found with the given credentials";
pub const NO_TOKEN: &str = "Authentication credentials were not provided.";
pub const NOT_FOUND: &str = "Not found.";
pub const NO_PATIENT: &str = "No Patient matches the given query.";
pub const NO_DOCTOR: &str = "No Doctor matches the given query.";
pub const NO_MAPPING: &str = "No PatientDoctorMapping matches the given query.";
pub const NOT_YOURS: &str = "You can only assign doctors to your own patients.";
pub const NOT_ACCEPTABLE: &str = "Could not satisfy the request Accept header.";

pub fn too_long(max: usize) -> String {
    format!("Ensure this field has no more than {max} characters.")
}

pub fn not_a_choice(value: &str) -> String {
    format!("\"{value}\" is not a valid choice.")
}

pub fn not_allowed(method: &str) -> Value {
    detail(&format!("Method \"{method}\" not allowed."))
}

pub fn unsupported(content_type: &str) -> Value {
    detail(&format!("Unsupported media type \"{content_type}\" in request."))
}

/// `{"detail": …}`.
pub fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

/// What is wrong with one field.
pub fn fault(field: &str, message: impl Into<String>) -> Value {
    json!({ field: [message.into()] })
}

/// The same fault of several fields.
pub fn faults(fields: &[&str], message: &str) -> Value {
    all(fields, &json!([message]))
}

/// An object with one value under all keys.
pub fn all(keys: &[&str], value: &Value) -> Value {
    keys.iter().map(|key| ((*key).to_owned(), value.clone())).collect::<Map<_, _>>().into()
}

/// The 401 of a refresh token that is not good.
pub fn token_not_valid(message: &str) -> Value {
    json!({ "detail": message, "code": "token_not_valid" })
}

/// The 401 of an access token that is not good.
pub fn bad_token(message: &str) -> Value {
    json!({
        "detail": "Given token not valid for any token type",
        "code": "token_not_valid",
        "messages": [{ "token_class": "AccessToken", "token_type": "access", "message": message }],
    })
}
