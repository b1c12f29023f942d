//! Changes, each with who made it, when, from where, and what was and what is.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use super::{value, visit::Visit};
use crate::db::admin::{TABLES, Table, audit::Entry};

/// The longest value that is shown whole.
const LONGEST: usize = 400;

/// A list of changes.
pub(super) fn entries(visit: &Visit, entries: &[Entry]) -> Markup {
    html! {
        @if !entries.is_empty() {
            ol .changes { @for entry in entries { li { (one(visit, entry)) } } }
        }
    }
}

fn one(visit: &Visit, entry: &Entry) -> Markup {
    let via = match entry.via.as_str() {
        "api" => "through the API",
        "admin" => "at the admin",
        "cli" => "on the command line",
        _ => "by the server",
    };
    html! {
        div .what {
            span .action .{ "is-" (entry.action.name()) } { (word(entry)) }
            " " (subject(visit, entry))
        }
        p .who {
            (value::moment(entry.at)) " · "
            @match (&entry.actor, entry.actor_id) {
                (Some(actor), Some(id)) if id > 0 => a href=(visit.to(&format!("changes/?actor={id}"))) { (actor) },
                (Some(actor), _) => (actor),
                (None, _) => "an unknown account",
            }
            " · " (via)
            @if let Some(address) = &entry.address { " · " (address) }
            " · " span .code title="Request" { (entry.request_id) }
        }
        (values(visit, entry))
    }
}

/// What was done, in a word.
pub(super) fn word(entry: &Entry) -> String {
    entry.event.as_deref().unwrap_or(entry.action.name()).replace('_', " ")
}

/// The row that it was done to.
pub(super) fn subject(visit: &Visit, entry: &Entry) -> Markup {
    let table = TABLES.into_iter().find(|table| table.sql == entry.table_name);
    let (Some(table), Some(id)) = (table, entry.row_id) else {
        return html! {
            @match (entry.table_name.as_str(), &entry.label) {
                ("sessions", Some(user)) => { "login of " (user) }
                ("sessions", None) => { "login" }
                (other, _) => { (other) }
            }
        };
    };
    let path = |rest: &str| visit.to(&format!("{}/{id}/{rest}/", table.name));
    html! {
        @match &entry.label {
            Some(label) => { (table.noun) " " a href=(path("change")) { (label) } }
            None => { (table.noun) " " a href=(path("history")) { (gone(table, entry)) } }
        }
    }
}

/// What a row was called that is gone.
fn gone(table: &Table, entry: &Entry) -> String {
    let values = entry.old_values.as_ref().or(entry.new_values.as_ref());
    let text = |name: &str| values.and_then(|values| values.get(name)?.as_str()).unwrap_or_default();
    let name = match table.name {
        "users" => text("email").to_owned(),
        _ => format!("{} {}", text("first_name"), text("last_name")).trim().to_owned(),
    };
    if name.is_empty() { format!("No. {}", entry.row_id.unwrap_or_default()) } else { name }
}

/// What was, and what is.
fn values(visit: &Visit, entry: &Entry) -> Markup {
    let (old, new) = (entry.old_values.as_ref(), entry.new_values.as_ref());
    let names: BTreeSet<&String> =
        [old, new].into_iter().flatten().filter_map(Value::as_object).flat_map(|values| values.keys()).collect();
    let of = |values: Option<&Value>, name: &str| shown(visit, name, values.and_then(|values| values.get(name)));
    let has_both = old.is_some() && new.is_some();
    html! {
        @if !names.is_empty() {
            details open[has_both] {
                summary { (names.len()) @if names.len() == 1 { " field" } @else { " fields" } }
                table .diff {
                    thead { tr {
                        th scope="col" { "Field" }
                        @if old.is_some() { th scope="col" { @if has_both { "Before" } @else { "Was" } } }
                        @if new.is_some() { th scope="col" { @if has_both { "After" } @else { "Value" } } }
                    } }
                    tbody {
                        @for name in names {
                            tr {
                                th scope="row" { (name.replace('_', " ")) }
                                @if old.is_some() { td .was { (of(old, name)) } }
                                @if new.is_some() { td .is { (of(new, name)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn shown(visit: &Visit, name: &str, value: Option<&Value>) -> Markup {
    let table = match name {
        "created_by" | "user_id" => Some("users"),
        "patient_id" => Some("patients"),
        "doctor_id" => Some("doctors"),
        _ => None,
    };
    match (value, table) {
        (None | Some(Value::Null), _) => html! { span .quiet { "–" } },
        (Some(Value::Number(id)), Some(table)) => {
            html! { a href=(visit.to(&format!("{table}/{id}/change/"))) { "No. " (id) } }
        }
        (Some(Value::String(text)), _) if text.is_empty() => html! { em .quiet { "empty" } },
        (Some(Value::String(text)), _) => html! {
            @if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                details { summary { (text.split_at(end).0) "…" } (text) }
            } @else { (text) }
        },
        (Some(value), _) => html! { (value) },
    }
}
