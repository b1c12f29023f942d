//! The rules that validator's own do not cover, and the message of each that is broken.

use std::borrow::Cow;

use chrono::{NaiveDate, TimeDelta, Utc};
use validator::{ValidateEmail, ValidationError};

/// What is said of a date that is none.
pub const DATE_FORMAT: &str =
    "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.";

/// Django REST framework's message for a broken rule.
pub(super) fn message(error: &ValidationError) -> String {
    let number = |name: &str| error.params.get(name).and_then(serde_json::Value::as_i64);
    let value = error.params.get("value");
    match error.code.as_ref() {
        "length" => {
            let length = value
                .and_then(|value| value.as_str())
                .map_or(0, |value| value.chars().count());
            match (number("min"), number("max")) {
                (_, Some(max)) if i64::try_from(length).is_ok_and(|length| length > max) => {
                    format!("Ensure this field has no more than {max} characters.")
                }
                _ => "This field may not be blank.".into(),
            }
        }
        "range" => match (
            number("min"),
            number("max"),
            value.and_then(serde_json::Value::as_i64),
        ) {
            (_, Some(max), Some(value)) if value > max => {
                format!("Ensure this value is less than or equal to {max}.")
            }
            (min, _, _) => format!(
                "Ensure this value is greater than or equal to {}.",
                min.unwrap_or(0)
            ),
        },
        _ => error
            .message
            .clone()
            .unwrap_or(Cow::Borrowed("Invalid value."))
            .into_owned(),
    }
}

fn broken(message: &'static str) -> ValidationError {
    ValidationError::new("invalid").with_message(Cow::Borrowed(message))
}

/// A date of birth: not later than today anywhere on Earth (UTC+14).
pub fn not_in_the_future(date: &NaiveDate) -> Result<(), ValidationError> {
    let today = (Utc::now() + TimeDelta::hours(14)).date_naive();
    if *date > today {
        Err(broken("Date of birth cannot be in the future."))
    } else {
        Ok(())
    }
}

/// A user name: Django's `UnicodeUsernameValidator`.
pub fn username(username: &str) -> Result<(), ValidationError> {
    let allowed = |character: char| character.is_alphanumeric() || "@.+-_".contains(character);
    if username.chars().all(allowed) {
        return Ok(());
    }
    Err(broken(
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.",
    ))
}

/// An e-mail address: validator's rule, which is HTML's, and what Django's asks beyond it.
pub fn email_address(address: &str) -> Result<(), ValidationError> {
    if address.is_empty() || address.validate_email() && is_to_django(address) {
        return Ok(());
    }
    Err(broken("Enter a valid email address."))
}

/// No empty atom before the `@`; behind it `localhost`, an address in brackets, or a name with a dot whose last label
/// is no number.
fn is_to_django(address: &str) -> bool {
    let Some((user, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let top_level = |label: &str| {
        label.chars().count() >= 2 && !label.contains(|c: char| c.is_ascii_digit())
            || label.starts_with("xn--")
    };
    user.split('.').all(|atom| !atom.is_empty())
        && (domain == "localhost"
            || domain.starts_with('[')
            || domain
                .rsplit_once('.')
                .is_some_and(|(_, label)| top_level(label)))
}
