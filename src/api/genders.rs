//! Genders: M, F and O, or as words.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use crate::{db::patients::Gender, error::messages::not_a_choice, input};

/// Reads `M`, `F` or `O`, or a word in any case of letters.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Gender>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or_default();
    let text = input::python_str(&value);
    match text.as_str() {
        "M" => Ok(Some(Gender::M)),
        "F" => Ok(Some(Gender::F)),
        "O" => Ok(Some(Gender::O)),
        word if word.eq_ignore_ascii_case("male") => Ok(Some(Gender::M)),
        word if word.eq_ignore_ascii_case("female") => Ok(Some(Gender::F)),
        word if word.eq_ignore_ascii_case("other") => Ok(Some(Gender::O)),
        _ => Err(D::Error::custom(not_a_choice(&text))),
    }
}
