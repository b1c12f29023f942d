//! How a field may be written.

use serde_json::{Value, json};

use super::{Encoding, Input, faults_of};

/// A text, maybe an empty one. PostgreSQL stores no NUL.
const TEXT: &str = r"^[^\u0000]*$";
/// A text that is not blank. White space is Python's, written out: `\s` is another in every language.
const FILLED: &str =
    r"^[^\u0000]*[^\u0000\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$";
/// A text that is blank: in a form, what was not filled in.
const BLANK: &str = r"^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$";
/// An integer as a text.
const INTEGER: &str = r"^[+-]?[0-9]{1,18}(\.0*)?$";

/// A field: the ways in which it may be written.
#[derive(Clone)]
pub(super) struct Written(Vec<Value>);

impl Written {
    /// What the struct says, and what else is taken.
    pub(super) fn of<T: Input>(name: &'static str, derived: &Value, encoding: Encoding) -> Self {
        let takes = |value: Value| faults_of::<T>(name, &value).is_empty();
        let own = not_null(derived);
        let mut ways = own["anyOf"].as_array().cloned().unwrap_or_else(|| vec![own.clone()]);
        if own["type"] == "string" {
            if own["pattern"].is_null() && own["format"].is_null() && own["enum"].is_null() {
                ways[0]["pattern"] = if takes("".into()) { TEXT } else { FILLED }.into();
            }
            if takes(json!(1.5)) {
                ways.push(json!({ "$ref": "#/components/schemas/NumberAsText" }));
            } else if takes(json!(1)) {
                ways.push(json!({ "$ref": "#/components/schemas/IntegerAsText" }));
            }
            if !own["format"].is_null() && takes("".into()) {
                ways.push(json!({ "const": "" }));
            }
        }
        if encoding == Encoding::Json && takes(Value::Null) {
            ways.push(json!({ "type": "null" }));
        }
        Self(ways)
    }

    /// Of the same type, whatever the rules.
    pub(super) fn loosened(mut self) -> Self {
        let is_integer = self.0.iter().any(|way| way["type"] == "integer");
        let pattern = if is_integer { INTEGER } else { TEXT };
        for way in &mut self.0 {
            if way["type"] == "integer" {
                *way = json!({ "type": "integer" });
            } else if way["type"] == "string" {
                *way = json!({ "type": "string", "pattern": pattern });
            }
        }
        self
    }

    pub(super) fn or_blank(mut self) -> Self {
        if self.0.iter().all(|way| way["pattern"] != TEXT) {
            self.0.push(json!({ "type": "string", "pattern": BLANK }));
        }
        self
    }

    pub(super) fn filled(mut self) -> Self {
        self.0.retain(|way| way["const"] != "" && way["type"] != "null");
        for way in &mut self.0 {
            if way["pattern"] == TEXT {
                way["pattern"] = FILLED.into();
            }
        }
        self
    }

    pub(super) fn schema(&self) -> Value {
        match self.0.as_slice() {
            [only] => only.clone(),
            ways => json!({ "anyOf": ways }),
        }
    }
}

/// The schema of an `Option`'s value.
fn not_null(derived: &Value) -> Value {
    let is_null = |schema: &&Value| schema["type"] == "null";
    let ways = derived["oneOf"].as_array();
    let mut own = ways.and_then(|ways| ways.iter().find(|way| !is_null(way))).unwrap_or(derived).clone();
    if let Some(kind) = derived["type"].get(0) {
        own["type"] = kind.clone();
    }
    if let Some(own) = own.as_object_mut() {
        own.retain(|key, _| !["description", "default"].contains(&key.as_str()));
    }
    own
}
