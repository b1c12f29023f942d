//! The rules that validator's own do not cover, and the message of each that is broken.

use std::{borrow::Cow, net::IpAddr, sync::LazyLock};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use regex::Regex;
use validator::ValidationError;

use crate::error::messages::{BLANK, EMAIL, too_great, too_long, too_small};

fn number(error: &ValidationError, name: &str) -> Option<i64> {
    error.params.get(name)?.as_i64()
}

/// Whether the broken rule is that of the greatest length.
pub(super) fn is_too_long(error: &ValidationError) -> bool {
    let text = error.params.get("value").and_then(serde_json::Value::as_str).unwrap_or_default();
    let max = number(error, "max").and_then(|max| usize::try_from(max).ok());
    error.code == "length" && max.is_some_and(|max| text.chars().nth(max).is_some())
}

/// Django REST framework's message for a broken rule.
pub(super) fn message(error: &ValidationError) -> String {
    let number = |name: &str| number(error, name);
    let value = error.params.get("value");
    match error.code.as_ref() {
        "length" => match number("max") {
            Some(max) if is_too_long(error) => too_long(max),
            _ => BLANK.into(),
        },
        "range" => match (number("max"), value.and_then(serde_json::Value::as_i64)) {
            (Some(max), Some(value)) if value > max => too_great(max),
            _ => too_small(number("min").unwrap_or(0)),
        },
        _ => error.message.clone().unwrap_or(Cow::Borrowed("Invalid value.")).into_owned(),
    }
}

fn broken(message: &'static str) -> ValidationError {
    ValidationError::new("invalid").with_message(Cow::Borrowed(message))
}

/// A date of birth: not later than today anywhere on Earth (UTC+14).
pub fn not_in_the_future(date: &NaiveDate) -> Result<(), ValidationError> {
    let today = (Utc::now() + TimeDelta::hours(14)).date_naive();
    if *date > today { Err(broken("Date of birth cannot be in the future.")) } else { Ok(()) }
}

/// When something ends that is made now.
pub fn in_the_future(time: &DateTime<Utc>) -> Result<(), ValidationError> {
    if *time > Utc::now() { Ok(()) } else { Err(broken("Ensure this time is in the future.")) }
}

/// A user name: Django's `UnicodeUsernameValidator`, where a letter is what Python takes for one.
pub fn username(username: &str) -> Result<(), ValidationError> {
    static ALLOWED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{N}_.@+-]*$").expect("a pattern"));
    if ALLOWED.is_match(username) {
        return Ok(());
    }
    Err(broken("Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."))
}

/// An e-mail address: Django's `EmailValidator`, which is neither HTML's rule nor validator's.
pub fn email_address(address: &str) -> Result<(), ValidationError> {
    if address.is_empty() || is_email_address(address) {
        return Ok(());
    }
    Err(broken(EMAIL))
}

fn is_email_address(address: &str) -> bool {
    let Some((user, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let is_user = user.split('.').all(is_atom) || is_quoted(user);
    is_user && (domain == "localhost" || is_domain(domain) || is_literal(domain))
}

fn is_atom(atom: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-!#$%&'*+/=?^_`{}|~".contains(c);
    !atom.is_empty() && atom.chars().all(allowed)
}

/// RFC 5321's quoted string: a space, a quote or a backslash only behind a backslash.
fn is_quoted(user: &str) -> bool {
    let Some(inner) = user.strip_prefix('"').and_then(|user| user.strip_suffix('"')) else {
        return false;
    };
    let mut escaped = false;
    for character in inner.chars() {
        let allowed = character.is_ascii() && !"\0\n\r".contains(character);
        if !allowed || !escaped && "\t \"".contains(character) {
            return false;
        }
        escaped = !escaped && character == '\\';
    }
    !escaped
}

/// Labels of letters, digits and inner hyphens, two at least. The last has two characters or more and no digit, unless
/// it is in Punycode.
fn is_domain(domain: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&c);
    let is_label = |label: &str| {
        (1..=63).contains(&label.chars().count())
            && label.chars().all(|c| letter(c) || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = domain.rsplit_once('.') else {
        return false;
    };
    let is_top_level = last.chars().count() > 1 && !last.contains(|c: char| c.is_ascii_digit());
    domain.split('.').all(is_label) && (is_top_level || last.to_ascii_lowercase().starts_with("xn--"))
}

/// An IP address in brackets.
fn is_literal(domain: &str) -> bool {
    let address = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    address.is_some_and(|address| address.parse::<IpAddr>().is_ok())
}
