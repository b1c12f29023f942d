//! From the values of a body to its struct, or to every fault.

use std::collections::HashMap;

use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

use super::{
    FieldErrors, Input, NON_FIELD_ERRORS,
    field::{Field, field_names, integer, parse_date, text},
    rules,
};

/// Other spellings of fields, seen in the clients of comparable services.
const SPELLINGS: &[(&str, &str)] = &[
    ("phone", "phone_number"),
    ("contact", "phone_number"),
    ("contact_number", "phone_number"),
    ("specialization", "specialty"),
    ("patient_id", "patient"),
    ("patientId", "patient"),
    ("doctor_id", "doctor"),
    ("doctorId", "doctor"),
];

/// What a body holds.
#[derive(Default)]
pub(super) struct Payload {
    pub(super) object: Map<String, Value>,
    /// A form has texts only, and sends its empty fields too.
    pub(super) is_form: bool,
}

/// Whether what is required must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Partial,
}

/// What a body says of a field.
enum Sent<'a> {
    /// A value, under this key.
    New(&'a str, &'a Value),
    /// What the row shows already.
    Unchanged,
}

/// Reads a body, or finds every fault of it. `shown` is the row that it changes.
pub(super) fn read<T: Input>(
    payload: &Payload,
    extent: Extent,
    shown: Option<&Value>,
) -> Result<T, FieldErrors> {
    let fields = field_names::<T>();
    let find = |field: &&'static str| Some((*field, find(payload, field, shown)?));
    let mut sent: HashMap<&'static str, Sent<'_>> = fields.iter().filter_map(find).collect();
    if payload.is_form {
        drop_empty::<T>(&mut sent);
    }

    let mut faults: HashMap<&'static str, Vec<String>> = HashMap::new();
    let mut good = Vec::new();
    for (field, sent) in &sent {
        let Sent::New(_, value) = sent else { continue };
        match T::deserialize(MapDeserializer::new(std::iter::once((
            *field,
            Field::new(value),
        )))) {
            Ok(_) => good.push((*field, Field::new(value))),
            Err(error) => faults.entry(field).or_default().push(error.to_string()),
        }
    }
    if extent == Extent::Whole {
        for (field, substitutes) in T::REQUIRED {
            if !sent.contains_key(field)
                && !substitutes
                    .iter()
                    .any(|substitute| sent.contains_key(substitute))
            {
                faults
                    .entry(field)
                    .or_default()
                    .push("This field is required.".into());
            }
        }
    }
    // each field alone was good, so all of them are
    let input = T::deserialize(MapDeserializer::new(good.into_iter()))
        .map_err(|error| FieldErrors::one(NON_FIELD_ERRORS, error.to_string()))?;
    if let Err(errors) = input.validate() {
        let errors = errors.field_errors();
        for field in fields {
            let broken = errors
                .get(*field)
                .into_iter()
                .flat_map(|errors| errors.iter());
            let messages: Vec<String> = broken.map(rules::message).collect();
            if !messages.is_empty() {
                faults.entry(field).or_default().extend(messages);
            }
        }
    }
    for (field, message) in input.cross_faults() {
        faults.entry(field).or_default().push(message);
    }
    for (field, by) in T::OVERRIDDEN {
        if by
            .iter()
            .all(|by| matches!(sent.get(by), Some(Sent::New(..))) && !faults.contains_key(by))
        {
            faults.remove(field);
        }
    }
    if faults.is_empty() {
        Ok(input)
    } else {
        Err(in_order(fields, &sent, faults))
    }
}

/// The faults in the order of the fields, under the keys that were sent.
fn in_order(
    fields: &[&'static str],
    sent: &HashMap<&str, Sent<'_>>,
    mut faults: HashMap<&'static str, Vec<String>>,
) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for field in fields {
        let key = match sent.get(field) {
            Some(Sent::New(key, _)) => key,
            _ => field,
        };
        for message in faults.remove(field).unwrap_or_default() {
            errors.add(*key, message);
        }
    }
    errors
}

/// An empty field of a form was not filled in: it counts only where "" is a value, and where something must stand.
fn drop_empty<T: Input>(sent: &mut HashMap<&'static str, Sent<'_>>) {
    let is_empty = |sent: &Sent<'_>| matches!(sent, Sent::New(_, Value::String(text)) if text.trim().is_empty());
    let filled: Vec<&'static str> = sent
        .iter()
        .filter(|(_, sent)| !is_empty(sent))
        .map(|(field, _)| *field)
        .collect();
    let must_stand = |field: &str| {
        T::REQUIRED.iter().any(|(required, substitutes)| {
            *required == field
                && !substitutes
                    .iter()
                    .any(|substitute| filled.contains(substitute))
        })
    };
    let is_value = |field: &'static str, value: &Value| {
        let alone = T::deserialize(MapDeserializer::new(std::iter::once((
            field,
            Field::new(value),
        ))));
        alone.is_ok_and(|input| input.validate().is_ok())
    };
    sent.retain(|field, sent| match &*sent {
        Sent::New(_, value) if is_empty(sent) => must_stand(field) || is_value(field, value),
        _ => true,
    });
}

/// Looks for a field under its name, then under its other spellings. One that says what the row shows already, or
/// that a form leaves empty, gives way to one that does not.
fn find<'a>(payload: &'a Payload, field: &'a str, shown: Option<&Value>) -> Option<Sent<'a>> {
    let sent: Vec<(&str, &Value)> = spellings(field)
        .filter_map(|key| Some((key, payload.object.get(key)?)))
        .collect();
    let is_new = |value: &Value| {
        !shown
            .and_then(|shown| shown.get(field))
            .is_some_and(|shown| same(value, shown))
    };
    let is_filled = |value: &Value| {
        !(payload.is_form && value.as_str().is_some_and(|text| text.trim().is_empty()))
    };
    let best = sent
        .iter()
        .find(|(_, value)| is_new(value) && is_filled(value));
    match best.or_else(|| sent.iter().find(|(_, value)| is_new(value))) {
        Some((key, value)) => Some(Sent::New(key, value)),
        None => sent.first().map(|_| Sent::Unchanged),
    }
}

/// A field's name, and what else it is called.
pub(super) fn spellings(field: &str) -> impl Iterator<Item = &str> {
    let others = SPELLINGS
        .iter()
        .filter(move |(_, name)| *name == field)
        .map(|(spelling, _)| *spelling);
    std::iter::once(field).chain(others)
}

/// Whether a client sends back what it was shown, in whatever way it writes it.
fn same(sent: &Value, shown: &Value) -> bool {
    match shown {
        Value::Number(number) => integer(sent).is_ok_and(|sent| Some(sent) == number.as_i64()),
        Value::String(string) => text(sent).is_ok_and(|sent| {
            let date = parse_date(&sent).map(|date| date.to_string());
            sent.trim() == string.trim() || date.as_ref() == Some(string)
        }),
        _ => sent == shown,
    }
}
