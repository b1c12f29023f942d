//! The sexes: M, F and O, and as words.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use crate::{db::patients::Gender, input};

/// What is taken for a gender.
pub(super) fn schema() -> Schema {
    let words = ["M", "F", "O", "male", "female", "other", "Male", "Female", "Other", "MALE", "FEMALE", "OTHER"];
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    schema.description(Some("In any case of letters; shown as M, F or O.")).build().into()
}

/// The sexes as both READMEs send them, and as words.
impl<'de> Deserialize<'de> for Gender {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = input::python_str(&value);
        match text.as_str() {
            "M" => Ok(Self::M),
            "F" => Ok(Self::F),
            "O" => Ok(Self::O),
            word if word.eq_ignore_ascii_case("male") => Ok(Self::M),
            word if word.eq_ignore_ascii_case("female") => Ok(Self::F),
            word if word.eq_ignore_ascii_case("other") => Ok(Self::O),
            _ => Err(D::Error::custom(input::not_a_choice(&text))),
        }
    }
}
