//! What a body may hold, for the OpenAPI document: the plain struct, with the bounds that its rules have. Other spellings
//! of fields, and numbers for texts, are accepted too; a document with all of that is one that no generator understands.

use serde_json::{Map, Value, json};

use super::{
    Body, Input,
    field::field_names,
    read::{bounds, errors_of},
};
use crate::error::ApiError;

/// What the document says of a body.
pub struct Accepted {
    /// The name of its schema: "PatientRequest".
    pub name: String,
    /// An example.
    pub example: Value,
    /// The error of an empty body, if it is one.
    pub when_empty: Option<ApiError>,
    /// The schema of a POST or a PUT.
    pub whole: Value,
    /// The schema of a PATCH, which may leave out any field.
    pub partial: Value,
    /// The schema of its errors.
    pub errors: Value,
}

impl Accepted {
    /// What is accepted for a `T`.
    pub fn of<T: Input>() -> Self {
        let derived = json!(T::schema());
        let part = |name: &str| derived.get(name).cloned().unwrap_or_default();
        let derived_properties = part("properties");
        let property = |name: &&'static str| {
            let property = derived_properties.get(*name).cloned().unwrap_or_default();
            ((*name).to_owned(), property_schema::<T>(name, property))
        };
        let properties: Map<String, Value> = field_names::<T>().iter().map(property).collect();
        let partial = json!({ "type": "object", "description": part("description"), "properties": properties });
        let required = T::REQUIRED.iter().filter(|(_, substitutes)| substitutes.is_empty());
        let required: Vec<&str> = required.map(|(name, _)| *name).collect();
        let mut whole = partial.clone();
        if let Some(whole) = whole.as_object_mut().filter(|_| !required.is_empty()) {
            whole.insert("required".into(), required.into());
        }
        Self {
            name: T::name().into_owned(),
            example: part("example"),
            when_empty: Body::<T>::from(Map::new()).new_value().err(),
            whole,
            partial,
            errors: errors_schema(field_names::<T>().iter().chain(T::REFUSED.iter().map(|(name, _)| name))),
        }
    }
}

/// A field: of one type, even if null is accepted too, with the bounds that its rule has.
fn property_schema<T: Input>(name: &'static str, derived: Value) -> Value {
    let is_optional = errors_of::<T>(name, &"".into()).is_empty();
    let Value::Object(mut schema) = derived else { return derived };
    // every field has one, because a PATCH may leave it out
    schema.remove("default");
    // utoipa takes every `Option` for null
    if let Some(Value::Array(types)) = schema.get("type") {
        let own = types.iter().find(|kind| *kind != "null").cloned();
        schema.insert("type".into(), own.unwrap_or_default());
    }
    if let Some(Value::Array(ways)) = schema.remove("oneOf") {
        schema.extend(ways.into_iter().filter_map(|way| way.get("$ref").cloned()).map(|way| ("$ref".into(), way)));
    }
    if schema.get("type").is_some_and(|kind| kind == "string") && !schema.contains_key("format") && !is_optional {
        schema.entry("minLength").or_insert(1.into());
    }
    let extremes: [(Value, &str, &str); 4] = [
        (json!("x".repeat(1_000_000)), "minLength", "maxLength"),
        (json!(""), "minLength", "maxLength"),
        (json!(i64::MAX), "minimum", "maximum"),
        (json!(i64::MIN), "minimum", "maximum"),
    ];
    for (extreme, min, max) in extremes {
        let (least, greatest) = bounds::<T>(name, &extreme).unwrap_or_default();
        for (key, bound) in [(min, least), (max, greatest)] {
            if !bound.is_null() {
                schema.entry(key).or_insert(bound);
            }
        }
    }
    schema.into()
}

/// The errors of a body: the messages of each field, or `detail` where the body can't be read.
fn errors_schema<'a>(fields: impl Iterator<Item = &'a &'static str>) -> Value {
    let messages = json!({ "type": "array", "items": { "type": "string" } });
    let names = fields.copied().chain([crate::error::NON_FIELD_ERRORS]);
    let mut properties: Map<String, Value> = names.map(|name| (name.into(), messages.clone())).collect();
    properties.insert("detail".into(), json!({ "type": "string" }));
    json!({
        "type": "object",
        "description": "The messages of each field that is wrong; or `detail`, if the body can't be read at all.",
        "properties": properties,
    })
}
