//! From the values of a body to its struct, or to every error.

use std::collections::HashMap;

use serde::de::value::MapDeserializer;
use serde_json::{Map, Value};

use super::{
    Errors, Input,
    field::{Field, field_names, integer, text},
    json::Unknown,
    python::strip,
    room::Held,
    rules,
    words::parse_date,
};
use crate::error::{FieldErrors, NON_FIELD_ERRORS, messages::REQUIRED};

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
    /// Fields that the struct does not have.
    pub(super) unknown: Unknown,
    /// The memory that it takes, for as long as it is there.
    pub(super) _held: Option<Held>,
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
    Unchanged(&'a Value),
}

/// What each field says.
type Fields<'a> = HashMap<&'static str, Sent<'a>>;
/// What is wrong with each field.
type Messages = HashMap<&'static str, Vec<String>>;

/// Reads a body, or finds every error of it. `shown` is the row that it changes.
pub(super) fn read<T: Input>(
    payload: &Payload,
    extent: Extent,
    shown: Option<&Value>,
    cross_errors: impl Fn(&T, &[&str]) -> Errors,
) -> Result<T, FieldErrors> {
    let names = field_names::<T>();
    let find = |name: &&'static str| Some((*name, find(payload, name, shown)?));
    let mut sent: Fields<'_> = names.iter().filter_map(find).collect();
    if payload.is_form {
        drop_empty::<T>(&mut sent);
    }
    let mut errors = Messages::new();
    let input = parse::<T>(&sent, extent, &mut errors)?;
    let new: Vec<&str> = names.iter().copied().filter(|name| matches!(sent.get(name), Some(Sent::New(..)))).collect();
    let (mut broken, too_long) = validate(&input, &new);
    forgive::<T>(&sent, &errors, &mut broken);
    for (name, messages) in broken {
        errors.entry(name).or_default().extend(messages);
    }
    if extent == Extent::Whole {
        require::<T>(&sent, &mut errors);
    }
    for (name, message) in cross_errors(&input, &too_long) {
        errors.entry(name).or_default().push(message);
    }
    let mut errors = in_order(names, &sent, errors);
    validate_doubles::<T>(payload, &sent, &mut errors);
    refuse::<T>(payload, shown, &mut errors);
    if errors.is_empty() { Ok(input) } else { Err(errors) }
}

/// The struct with nothing but one field, or why that can't be.
fn alone<T: Input>(name: &'static str, value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(MapDeserializer::new(std::iter::once((name, Field::new(value)))))
}

/// The struct with every field that is good. Of a whole body, with those too that are sent back as they were, but for
/// those of which one may be there in place of another.
fn parse<T: Input>(sent: &Fields<'_>, extent: Extent, errors: &mut Messages) -> Result<T, FieldErrors> {
    let mut good = Vec::new();
    for (name, sent) in sent {
        let value = match sent {
            Sent::New(_, value) => value,
            Sent::Unchanged(shown) if extent == Extent::Whole && !is_one_of_several::<T>(name) => shown,
            Sent::Unchanged(_) => continue,
        };
        match alone::<T>(name, value) {
            Ok(_) => good.push((*name, Field::new(value))),
            Err(error) => errors.entry(name).or_default().push(error.to_string()),
        }
    }
    // each alone was good, so all of them are
    T::deserialize(MapDeserializer::new(good.into_iter()))
        .map_err(|error| FieldErrors::one(NON_FIELD_ERRORS, error.to_string()))
}

fn is_one_of_several<T: Input>(name: &str) -> bool {
    T::OVERRIDDEN.iter().any(|(overridden, by)| *overridden == name || by.contains(&name))
}

fn require<T: Input>(sent: &Fields<'_>, errors: &mut Messages) {
    for (name, substitutes) in T::REQUIRED {
        if ![&[*name], *substitutes].concat().iter().any(|name| sent.contains_key(name)) {
            errors.entry(name).or_default().push(REQUIRED.into());
        }
    }
}

/// The errors of each of these fields by its rules, and the fields that are too long.
fn validate<T: Input>(input: &T, names: &[&'static str]) -> (Messages, Vec<&'static str>) {
    let (mut messages, mut too_long) = (Messages::new(), Vec::new());
    let errors = input.validate().err().unwrap_or_default();
    let errors = errors.field_errors();
    for name in names {
        for error in errors.get(*name).into_iter().flat_map(|errors| errors.iter()) {
            messages.entry(*name).or_default().push(rules::message(error));
            if rules::is_too_long(error) {
                too_long.push(*name);
            }
        }
    }
    (messages, too_long)
}

/// The rules that a field breaks do not matter beside good ones that say the same.
fn forgive<T: Input>(sent: &Fields<'_>, errors: &Messages, broken: &mut Messages) {
    for (name, by) in T::OVERRIDDEN {
        let is_good = |by: &&str| {
            let is_new = matches!(sent.get(by), Some(Sent::New(..)));
            is_new && !errors.contains_key(by) && !broken.contains_key(by)
        };
        if by.iter().all(is_good) {
            broken.remove(name);
        }
    }
}

/// A field that was sent under two names has one value, but what is wrong with the other is said too.
fn validate_doubles<T: Input>(payload: &Payload, sent: &Fields<'_>, errors: &mut FieldErrors) {
    for (spelling, name) in SPELLINGS {
        for key in [spelling, name] {
            let (Some(Sent::New(best, _)), Some(value)) = (sent.get(name), payload.object.get(*key)) else {
                continue;
            };
            if key == best || payload.is_form && is_blank(value) || errors.has(key) {
                continue;
            }
            for message in errors_of::<T>(name, value) {
                errors.add(*key, message);
            }
        }
    }
}

/// A form leaves empty what it does not change.
fn refuse<T: Input>(payload: &Payload, shown: Option<&Value>, errors: &mut FieldErrors) {
    for (name, message) in T::REFUSED {
        if let Some(Sent::New(_, value)) = find(payload, name, shown)
            && !(payload.is_form && is_blank(value))
        {
            errors.add(*name, *message);
        }
    }
}

/// What is wrong with one value of a field.
pub(super) fn errors_of<T: Input>(name: &'static str, value: &Value) -> Vec<String> {
    match alone::<T>(name, value) {
        Ok(input) => validate(&input, &[name]).0.remove(name).unwrap_or_default(),
        Err(error) => vec![error.to_string()],
    }
}

/// The least and the greatest length, or value, of a field: what the rule says that this value breaks.
pub(super) fn bounds<T: Input>(name: &'static str, breaking: &Value) -> Option<(Value, Value)> {
    let errors = alone::<T>(name, breaking).ok()?.validate().err()?;
    let errors = errors.field_errors();
    let rule = errors.get(name)?.iter().find(|error| ["length", "range"].contains(&error.code.as_ref()))?;
    let bound = |name: &str| rule.params.get(name).cloned().unwrap_or_default();
    Some((bound("min"), bound("max")))
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| strip(text).is_empty())
}

/// The errors in the order of the fields, under the keys that were sent.
fn in_order(names: &[&'static str], sent: &Fields<'_>, mut messages: Messages) -> FieldErrors {
    let mut errors = FieldErrors::default();
    for name in names {
        let key = match sent.get(name) {
            Some(Sent::New(key, _)) => key,
            _ => name,
        };
        for message in messages.remove(name).unwrap_or_default() {
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
        Sent::New(_, value) if is_empty(sent) => must_stand(name) || errors_of::<T>(name, value).is_empty(),
        _ => true,
    });
}

/// Looks for a field under its name, then under its other spellings. One that a form leaves empty gives way to one that
/// it does not, and one that says what the row shows already to one that does not.
fn find<'a>(payload: &'a Payload, field: &'a str, shown: Option<&'a Value>) -> Option<Sent<'a>> {
    let mut sent: Vec<(&str, &Value)> =
        spellings(field).filter_map(|key| Some((key, payload.object.get(key)?))).collect();
    if payload.is_form && sent.iter().any(|(_, value)| !is_blank(value)) {
        sent.retain(|(_, value)| !is_blank(value));
    }
    let shown = shown.and_then(|shown| shown.get(field));
    let is_new = |value: &Value| !shown.is_some_and(|shown| same(value, shown));
    match (sent.iter().find(|(_, value)| is_new(value)), shown) {
        (Some((key, value)), _) => Some(Sent::New(key, value)),
        (None, Some(shown)) if !sent.is_empty() => Some(Sent::Unchanged(shown)),
        _ => None,
    }
}

/// Whether a key of a body is that of a field.
pub(super) fn is_known(names: &[&str], key: &str) -> bool {
    names.iter().any(|name| spellings(name).any(|spelling| spelling == key))
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
