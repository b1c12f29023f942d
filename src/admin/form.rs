//! Forms: each field with its label, its help, what was typed, what is wrong with it, and what somebody else made of it.

use maud::{Markup, html};
use serde_json::Value;

use super::{
    model::{Ask, Field},
    pick, value,
    visit::Visit,
};
use crate::{
    db::admin::rows::Record,
    error::{FieldErrors, NON_FIELD_ERRORS},
    input::Form,
};

/// What a form shows.
#[derive(Default)]
pub(super) struct Shown<'a> {
    /// What was typed, if it was sent before.
    pub(super) typed: Option<&'a Form>,
    /// The row that it changes.
    pub(super) record: Option<&'a Record>,
    pub(super) errors: FieldErrors,
    /// The rows to choose from, for a field that may mean more than one.
    pub(super) choices: Vec<(&'static str, Vec<(i64, String)>)>,
    /// Whether somebody else changed the row meanwhile.
    pub(super) is_conflict: bool,
}

impl Field {
    /// What the row says, as it is typed.
    pub(super) fn text_of(&self, record: &Record) -> String {
        let value = record.values.get(self.name).unwrap_or(&Value::Null);
        match (self.ask, value) {
            (Ask::Pick(..), value) => {
                match (value.get(0).and_then(Value::as_i64), value.get(1).and_then(Value::as_str)) {
                    (Some(id), Some(label)) => pick::text(id, label),
                    _ => String::new(),
                }
            }
            (_, Value::String(text)) => text.clone(),
            (_, Value::Null) => String::new(),
            (_, other) => other.to_string(),
        }
    }
}

impl Field {
    /// The same, as it is read.
    fn words_of(&self, text: &str) -> String {
        match (self.ask, text) {
            (Ask::Choice(choices), text) => value::words(choices, text),
            (Ask::Flag, "true") => "Yes".into(),
            (Ask::Flag, _) => "No".into(),
            (_, text) => text.to_owned(),
        }
    }
}

/// The fields of a row, for somebody who may not change it.
pub(super) fn read_only(fields: &[Field], record: &Record) -> Markup {
    html! {
        dl .card .record .read {
            @for field in fields {
                @let text = field.words_of(&field.text_of(record));
                div { dt { (field.label) } dd { @if text.is_empty() { span .quiet { "–" } } @else { (text) } } }
            }
        }
    }
}

impl Shown<'_> {
    /// What stands in a field.
    fn text(&self, field: &Field) -> String {
        match (self.typed, self.record) {
            (Some(form), _) => form.text(field.name).to_owned(),
            (None, Some(record)) => field.text_of(record),
            (None, None) => String::new(),
        }
    }

    /// What is wrong with no field of this form.
    fn others<'e>(&'e self, fields: &'e [Field]) -> impl Iterator<Item = String> {
        let is_other = |name: &str| name == NON_FIELD_ERRORS || !fields.iter().any(|field| field.name == name);
        self.errors.iter().filter(move |(name, _)| is_other(name)).map(|(name, messages)| {
            let messages = messages.join(" ");
            if name == NON_FIELD_ERRORS { messages } else { format!("{name}: {messages}") }
        })
    }
}

/// What the script shows when the login has ended while somebody typed.
pub(super) fn logged_out(visit: &Visit) -> Markup {
    html! {
        div .error role="alert" data-out hidden {
            p { "Your login has ended. " a href=(visit.to("login/")) target="_blank" { "Log in in another window" } ", then save here once more." }
        }
    }
}

/// All fields of a form.
pub(super) fn fields(visit: &Visit, fields: &'static [Field], shown: &Shown<'_>) -> Markup {
    html! {
        @if !shown.errors.is_empty() {
            div .error role="alert" {
                p { "Please correct what is marked below." }
                @for message in shown.others(fields) { p { (message) } }
            }
        }
        @for field in fields { (one(visit, field, shown)) }
    }
}

fn one(visit: &Visit, field: &'static Field, shown: &Shown<'_>) -> Markup {
    let error = shown.errors.of(field.name);
    let choices = shown.choices.iter().find(|(name, _)| *name == field.name).map(|(_, rows)| rows);
    let now = shown.record.filter(|_| shown.is_conflict).map(|record| field.text_of(record));
    let now = now.filter(|now| now != &shown.text(field));
    // what is empty already may stay so: a person with one name
    let is_required = field.is_required && !shown.record.is_some_and(|record| field.text_of(record).is_empty());
    let mut about = Vec::new();
    for (part, is_there) in [("error", error.is_some()), ("now", now.is_some()), ("help", !field.help.is_empty())] {
        if is_there {
            about.push(format!("{}-{part}", field.name));
        }
    }
    html! {
        div .field .whole[!matches!(field.ask, Ask::Line(_) | Ask::Number | Ask::Choice(_))] .wrong[error.is_some()] .other[now.is_some()] .flag[matches!(field.ask, Ask::Flag)] {
            label for=(field.name) { (field.label) @if is_required { span .quiet { " (required)" } } }
            (control(visit, field, &shown.text(field), (is_required, error.is_some()), &about.join(" ")))
            @if let Some(error) = error { p .error id={ (field.name) "-error" } { (error) } }
            @if let Some(now) = now { p .now id={ (field.name) "-now" } { "Now it is: " @if now.is_empty() { em { "empty" } } @else { strong { (field.words_of(&now)) } } } }
            @if let Some(choices) = choices { (choose(field, choices)) }
            @if !field.help.is_empty() { p .help id={ (field.name) "-help" } { (field.help) } }
        }
    }
}

fn control(visit: &Visit, field: &Field, text: &str, (is_required, is_wrong): (bool, bool), about: &str) -> Markup {
    let name = field.name;
    let about = Some(about).filter(|about| !about.is_empty());
    let invalid = is_wrong.then_some("true");
    html! {
        @match field.ask {
            Ask::Line(kind) => {
                input id=(name) name=(name) type=(kind) value=(text) required[is_required] autocomplete="off"
                    aria-describedby=[about] aria-invalid=[invalid];
            }
            Ask::Number => {
                input id=(name) name=(name) inputmode="numeric" value=(text) autocomplete="off"
                    aria-describedby=[about] aria-invalid=[invalid];
            }
            Ask::Area(rows) => {
                textarea id=(name) name=(name) rows=(rows) aria-describedby=[about] aria-invalid=[invalid] { "\n" (text) }
            }
            Ask::Flag => {
                input id=(name) name=(name) type="checkbox" value="true" checked[text == "true"]
                    aria-describedby=[about] aria-invalid=[invalid];
            }
            Ask::Choice(choices) => {
                select id=(name) name=(name) required[is_required] aria-describedby=[about] aria-invalid=[invalid] {
                    option value="" { "Choose …" }
                    @for (value, words) in choices { option value=(value) selected[*value == text] { (words) } }
                }
            }
            Ask::Pick(table, _) => {
                input id=(name) name=(name) value=(text) required[is_required] autocomplete="off"
                    data-suggest=(visit.to(&format!("{table}/suggest/")))
                    aria-describedby=[about] aria-invalid=[invalid];
            }
        }
    }
}

/// The rows that may be meant.
fn choose(field: &Field, rows: &[(i64, String)]) -> Markup {
    html! {
        fieldset .choices {
            legend { "Which one?" }
            @for (id, label) in rows {
                label { input type="radio" name={ (field.name) "_choice" } value=(id); " " (pick::text(*id, label)) }
            }
        }
    }
}
