//! What a body may hold, for the OpenAPI document: the schema of the plain struct, widened to all that is taken for its
//! fields. Whether a field takes a number, null or nothing is found out by trying, so the document can't say otherwise.

#![expect(
    clippy::indexing_slicing,
    reason = "JSON of our own making: what is not as it should be is found at the first start"
)]

use std::{collections::HashMap, ops::RangeInclusive};

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};

mod written;

use written::Written;

use super::{
    Body, Input, NON_FIELD_ERRORS,
    field::field_names,
    read::{Extent, faults_of, spellings},
};
use crate::error::ApiError;

/// The schema of an integer that may be sent as a text, which then has this pattern.
pub fn integer_or_text(range: RangeInclusive<i64>, text: &str, description: &str) -> Schema {
    let number =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(*range.start())).maximum(Some(*range.end()));
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(text));
    let ways = AnyOfBuilder::new().item(number).item(text);
    ways.description(Some(description)).build().into()
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded` or `multipart/form-data`: an empty field was not filled in.
    Form,
}

/// What is taken for a body.
pub struct Accepted {
    /// The name of the plain struct's schema.
    pub name: String,
    /// An example.
    pub example: Value,
    /// The schema of its faults: the messages of each key.
    pub faults: Value,
    /// The faults of an empty body, if it has any.
    pub when_empty: Option<ApiError>,
    schema: fn(Extent, Encoding) -> Value,
}

impl Accepted {
    /// What is taken for a `T`.
    pub fn of<T: Input>() -> Self {
        let derived = json!(T::schema());
        let names = field_names::<T>().iter().copied();
        let keys = names.flat_map(spellings).chain([NON_FIELD_ERRORS]);
        let messages = json!({ "$ref": "#/components/schemas/Messages" });
        let properties: Map<String, Value> = keys.map(|key| (key.to_owned(), messages.clone())).collect();
        Self {
            name: T::name().into_owned(),
            example: derived["example"].clone(),
            faults: json!({
                "type": "object",
                "description": "The messages of each field that is at fault, under the name that it was sent by.",
                "properties": properties,
                "additionalProperties": false,
                "minProperties": 1,
            }),
            when_empty: Body::<T>::from(Map::new()).read().err(),
            schema: schema::<T>,
        }
    }

    /// The schema of the body of a POST or a PUT.
    pub fn whole(&self, encoding: Encoding) -> Value {
        (self.schema)(Extent::Whole, encoding)
    }

    /// The schema of the body of a PATCH, which may leave out any field.
    pub fn partial(&self, encoding: Encoding) -> Value {
        (self.schema)(Extent::Partial, encoding)
    }
}

fn schema<T: Input>(extent: Extent, encoding: Encoding) -> Value {
    let groups = groups::<T>();
    let fields = Fields::of::<T>(encoding, &groups);
    let conditions = match extent {
        Extent::Whole => groups.iter().map(|group| fields.required(group)).collect(),
        Extent::Partial => fields.conditions::<T>(encoding, &groups),
    };
    let mut properties = fields.shown;
    if encoding == Encoding::Form {
        // a page that fills in a form has nothing else to go by
        let example = &json!(T::schema())["example"];
        for (key, property) in &mut properties {
            property["example"] = example.get(key).cloned().unwrap_or_else(|| "".into());
        }
    }
    let (required, conditions): (Vec<Value>, Vec<Value>) = conditions.into_iter().partition(Value::is_string);
    let mut schema = json!({
        "type": "object",
        "description": json!(T::schema())["description"],
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if !conditions.is_empty() {
        schema["allOf"] = conditions.into();
    }
    schema
}

/// Required fields that have the same substitutes.
struct Group {
    /// The fields, and their other spellings.
    keys: Vec<&'static str>,
    /// The sets of keys of which one must be sent.
    ways: Vec<Vec<&'static str>>,
}

fn groups<T: Input>() -> Vec<Group> {
    let mut names: Vec<(Vec<&'static str>, &'static [&'static str])> = Vec::new();
    for (name, substitutes) in T::REQUIRED {
        let same = names.iter_mut().find(|(_, others)| !others.is_empty() && others == substitutes);
        match same {
            Some((names, _)) => names.push(name),
            None => names.push((vec![name], substitutes)),
        }
    }
    let group = |(names, substitutes): (Vec<&'static str>, &[&'static str])| {
        let others: Vec<&str> = names.iter().flat_map(|name| spellings(name).skip(1)).collect();
        let single = substitutes.iter().chain(&others).map(|key| vec![*key]);
        Group { ways: std::iter::once(names.clone()).chain(single).collect(), keys: [names, others.clone()].concat() }
    };
    names.into_iter().map(group).collect()
}

/// The fields of a body, by key: as each should be, and as it is shown where others say whether it counts.
struct Fields {
    strict: HashMap<&'static str, Written>,
    shown: Map<String, Value>,
}

impl Fields {
    fn of<T: Input>(encoding: Encoding, groups: &[Group]) -> Self {
        let derived = json!(T::schema());
        let (mut strict, mut shown) = (HashMap::new(), Map::new());
        for name in field_names::<T>() {
            let derived = &derived["properties"][name];
            let field = Written::of::<T>(name, derived, encoding);
            let must_stand = groups.iter().any(|group| group.ways == [[*name]]);
            let mut widened = field.clone();
            if T::OVERRIDDEN.iter().any(|(other, _)| other == name) {
                widened = widened.loosened();
            }
            if encoding == Encoding::Form && !must_stand {
                widened = widened.or_blank();
            }
            for key in spellings(name) {
                let mut schema = widened.schema();
                if key != *name {
                    schema["description"] = format!("Another name of `{name}`.").into();
                } else if !derived["description"].is_null() {
                    schema["description"] = derived["description"].clone();
                }
                shown.insert(key.into(), schema);
                strict.insert(key, field.clone());
            }
        }
        Self { strict, shown }
    }

    /// What of a group must be in a POST or PUT: one key, or a condition.
    fn required(&self, group: &Group) -> Value {
        if let [way] = group.ways.as_slice()
            && let [key] = way.as_slice()
        {
            return json!(key);
        }
        let ways: Vec<Value> = group.ways.iter().map(|way| self.there(way)).collect();
        json!({ "anyOf": ways })
    }

    /// What must hold for a PATCH: a field that others override is as it should be where they are not sent, and what
    /// a form leaves empty is no field that must stand.
    fn conditions<T: Input>(&self, encoding: Encoding, groups: &[Group]) -> Vec<Value> {
        let is_form = encoding == Encoding::Form;
        let overridden = T::OVERRIDDEN.iter().map(|(name, by)| {
            let alone = self.strict[name].clone();
            let alone = if is_form { alone.or_blank() } else { alone };
            json!({ "anyOf": [self.there(by), { "properties": { *name: alone.schema() } }] })
        });
        let standing = groups.iter().filter(|group| is_form && group.ways.len() > 1);
        let standing = standing.map(|group| {
            let keys = group.keys.iter();
            let filled: Map<String, Value> = keys.map(|key| ((*key).into(), self.strict[key].schema())).collect();
            let mut ways = vec![json!({ "properties": filled })];
            let others = group.ways.iter().filter(|way| **way != group.keys);
            ways.extend(others.map(|way| self.there(way)));
            json!({ "anyOf": ways })
        });
        overridden.chain(standing).collect()
    }

    /// The condition that all of these are there, as they should be and not blank. (The properties are named again for
    /// generators of types, to which a condition without any says nothing.)
    fn there(&self, keys: &[&'static str]) -> Value {
        let filled = |key: &&'static str| ((*key).to_owned(), self.strict[key].clone().filled().schema());
        let properties: Map<String, Value> = keys.iter().map(filled).collect();
        json!({ "required": keys, "properties": properties })
    }
}
