//! Values, as pages and files show them.

use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use serde_json::Value;

use crate::{api::ages, config::AdminPath, db::admin::table::Kind};

/// A value of a column.
pub(super) fn shown(root: &AdminPath, kind: Kind, value: &Value) -> Markup {
    match kind {
        _ if value.is_null() || value == "" => html! { span .quiet { "–" } },
        Kind::Flag if value == true => html! { span .yes { "Yes" } },
        Kind::Flag => html! { span .quiet { "No" } },
        Kind::Day => day(value),
        Kind::Time => time(value),
        Kind::Number => html! { "No. " (value) },
        Kind::Row(table) => link(root, table, value),
        Kind::Text | Kind::Choice(_) => html! { (text(kind, value)) },
    }
}

/// The same as a text.
pub(super) fn text(kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Choice(choices), Value::String(value)) => words(choices, value),
        (Kind::Row(_), value) => value.get(1).and_then(Value::as_str).unwrap_or_default().to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Null) => String::new(),
        (_, other) => other.to_string(),
    }
}

/// The words of a choice.
pub(super) fn words(choices: &[(&str, &str)], value: &str) -> String {
    let choice = choices.iter().find(|(name, _)| *name == value);
    choice.map_or(value, |(_, words)| words).to_owned()
}

fn day(value: &Value) -> Markup {
    let text = value.as_str().unwrap_or_default();
    let age = text.parse::<NaiveDate>().ok().map(ages::today);
    html! {
        time datetime=(text) { (text) }
        @if let Some(age) = age { span .quiet title="Age" { " " (age) } }
    }
}

/// A point in time of a row.
pub(super) fn time(value: &Value) -> Markup {
    let text = value.as_str().unwrap_or_default();
    let at = DateTime::parse_from_rfc3339(text);
    at.map_or_else(|_| html! { (text) }, |at| moment(at.to_utc()))
}

/// A point in time, to the minute, in UTC.
pub(super) fn moment(at: DateTime<Utc>) -> Markup {
    html! { time datetime=(at.to_rfc3339()) title={ (at.format("%Y-%m-%d %H:%M:%S")) " UTC" } { (at.format("%Y-%m-%d %H:%M")) } }
}

fn link(root: &AdminPath, table: &str, value: &Value) -> Markup {
    let id = value.get(0).and_then(Value::as_i64).unwrap_or_default();
    let name = value.get(1).and_then(Value::as_str).unwrap_or_default();
    html! { a href=(root.to(&format!("{table}/{id}/change/"))) { (name) } }
}
