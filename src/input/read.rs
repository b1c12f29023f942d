//! From the values of a body to its struct, or to every fault.

use std::collections::HashMap;

use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

use super::{
    FieldErrors, Input, NON_FIELD_ERRORS,
    field::{Field, field_names, integer, parse_date, text},
    python::strip,
    rules,
};

/// Other spellings of fields, seen in the clients of comparable services.
pub(super) const SPELLINGS: &[(&str, &str)] = &[
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

/// What each field says.
type Fields<'a> = HashMap<&'static str, Sent<'a>>;
/// What is wrong with each field.
type Faults = HashMap<&'static str, Vec<String>>;

/// Reads a body, or finds every fault of it. `shown` is the row that it changes.
pub(super) fn read<T: Input>(payload: &Payload, extent: Extent, shown: Option<&Value>) -> Result<T, FieldErrors> {
    let names = field_names::<T>();
    let find = |name: &&'static str| Some((*name, find(payload, name, shown)?));
    let mut sent: Fields<'_> = names.iter().filter_map(find).collect();
    if payload.is_form {
        drop_empty::<T>(&mut sent);
    }
    let mut faults = Faults::new();
    let input = parse::<T>(&sent, &mut faults)?;
    let (mut broken, too_long) = judge(&input, names);
    forgive::<T>(&sent, &faults, &mut broken);
    for (name, messages) in broken {
        faults.entry(name).or_default().extend(messages);
    }
    if extent == Extent::Whole {
        require::<T>(&sent, &mut faults);
    }
    for (name, message) in input.cross_faults(&too_long) {
        faults.entry(name).or_default().push(message);
    }
    let mut errors = in_order(names, &sent, faults);
    judge_doubles::<T>(payload, &sent, &mut errors);
    if errors.is_empty() { Ok(input) } else { Err(errors) }
}

/// The struct with nothing but one field, or why that can't be.
fn alone<T: Input>(name: &'static str, value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(MapDeserializer::new(std::iter::once((name, Field::new(value)))))
}

/// The struct with every field that is good.
fn parse<T: Input>(sent: &Fields<'_>, faults: &mut Faults) -> Result<T, FieldErrors> {
    let mut good = Vec::new();
    for (name, sent) in sent {
        let Sent::New(_, value) = sent else { continue };
        match alone::<T>(name, value) {
            Ok(_) => good.push((*name, Field::new(value))),
            Err(error) => faults.entry(name).or_default().push(error.to_string()),
        }
    }
    // each alone was good, so all of them are
    T::deserialize(MapDeserializer::new(good.into_iter()))
        .map_err(|error| FieldErrors::one(NON_FIELD_ERRORS, error.to_string()))
}

fn require<T: Input>(sent: &Fields<'_>, faults: &mut Faults) {
    for (name, substitutes) in T::REQUIRED {
        if ![&[*name], *substitutes].concat().iter().any(|name| sent.contains_key(name)) {
            faults.entry(name).or_default().push("This field is required.".into());
        }
    }
}

/// The rules of each field, and the fields that are too long: nothing else is said of those.
fn judge<T: Input>(input: &T, names: &[&'static str]) -> (Faults, Vec<&'static str>) {
    let (mut faults, mut too_long) = (Faults::new(), Vec::new());
    let errors = input.validate().err().unwrap_or_default();
    let errors = errors.field_errors();
    for name in names {
        let broken = errors.get(*name).map_or(&[][..], |broken| broken);
        let length = broken.iter().find(|error| rules::is_too_long(error));
        too_long.extend(length.map(|_| *name));
        let said = length.map_or(broken, std::slice::from_ref);
        if !said.is_empty() {
            faults.insert(name, said.iter().map(rules::message).collect());
        }
    }
    (faults, too_long)
}

/// The rules that a field breaks do not matter beside good ones that say the same.
fn forgive<T: Input>(sent: &Fields<'_>, faults: &Faults, broken: &mut Faults) {
    for (name, by) in T::OVERRIDDEN {
        let is_good = |by: &&str| {
            let is_new = matches!(sent.get(by), Some(Sent::New(..)));
            is_new && !faults.contains_key(by) && !broken.contains_key(by)
        };
        if by.iter().all(is_good) {
            broken.remove(name);
        }
    }
}

/// A field that was sent under two names has one value, but what is wrong with the other is said too.
fn judge_doubles<T: Input>(payload: &Payload, sent: &Fields<'_>, errors: &mut FieldErrors) {
    for (spelling, name) in SPELLINGS {
        for key in [spelling, name] {
            let (Some(Sent::New(best, _)), Some(value)) = (sent.get(name), payload.object.get(*key)) else {
                continue;
            };
            if key == best || payload.is_form && is_blank(value) || errors.has(key) {
                continue;
            }
            for message in faults_of::<T>(name, value) {
                errors.add(*key, message);
            }
        }
    }
}

/// What is wrong with one value of a field.
pub(super) fn faults_of<T: Input>(name: &'static str, value: &Value) -> Vec<String> {
    match alone::<T>(name, value) {
        Ok(input) => judge(&input, &[name]).0.remove(name).unwrap_or_default(),
        Err(error) => vec![error.to_string()],
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| strip(text).is_empty())
}

/// The faults in the order of the fields, under the keys that were sent.
fn in_order(names: &[&'static str], sent: &Fields<'_>, mut faults: Faults) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for name in names {
        let key = match sent.get(name) {
            Some(Sent::New(key, _)) => key,
            _ => name,
        };
        for message in faults.remove(name).unwrap_or_default() {
            errors.add(*key, message);
        }
    }
    errors
}

/// An empty field of a form was not filled in: it counts only where "" is a value, and where something must stand.
fn drop_empty<T: Input>(sent: &mut Fields<'_>) {
    let is_empty = |sent: &Sent<'_>| matches!(sent, Sent::New(_, value) if is_blank(value));
    let filled: Vec<&str> = sent.iter().filter(|(_, sent)| !is_empty(sent)).map(|(name, _)| *name).collect();
    let must_stand = |name: &str| {
        let required = T::REQUIRED.iter().find(|(required, _)| *required == name);
        required.is_some_and(|(_, substitutes)| !substitutes.iter().any(|name| filled.contains(name)))
    };
    sent.retain(|name, sent| match &*sent {
        Sent::New(_, value) if is_empty(sent) => must_stand(name) || faults_of::<T>(name, value).is_empty(),
        _ => true,
    });
}

/// Looks for a field under its name, then under its other spellings. One that a form leaves empty gives way to one that
/// it does not, and one that says what the row shows already to one that does not.
fn find<'a>(payload: &'a Payload, field: &'a str, shown: Option<&Value>) -> Option<Sent<'a>> {
    let mut sent: Vec<(&str, &Value)> =
        spellings(field).filter_map(|key| Some((key, payload.object.get(key)?))).collect();
    if payload.is_form && sent.iter().any(|(_, value)| !is_blank(value)) {
        sent.retain(|(_, value)| !is_blank(value));
    }
    let shown = shown.and_then(|shown| shown.get(field));
    let is_new = |value: &Value| !shown.is_some_and(|shown| same(value, shown));
    match sent.iter().find(|(_, value)| is_new(value)) {
        Some((key, value)) => Some(Sent::New(key, value)),
        None => sent.first().map(|_| Sent::Unchanged),
    }
}

/// A field's name, and what else it is called.
pub(super) fn spellings(field: &str) -> impl Iterator<Item = &str> {
    let others = SPELLINGS.iter().filter(move |(_, name)| *name == field).map(|(spelling, _)| *spelling);
    std::iter::once(field).chain(others)
}

/// Whether a client sends back what it was shown, in whatever way it writes it.
fn same(sent: &Value, shown: &Value) -> bool {
    match shown {
        Value::Number(number) => integer(sent).is_ok_and(|sent| Some(sent) == number.as_i64()),
        Value::String(string) => text(sent).is_ok_and(|sent| {
            let date = parse_date(&sent).map(|date| date.to_string());
            strip(&sent) == strip(string) || date.as_ref() == Some(string)
        }),
        _ => sent == shown,
    }
}
