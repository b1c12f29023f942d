//! What became of everything: the history of a row, all changes, and all accesses.

use axum::response::Response;
use chrono::{DateTime, NaiveTime, Utc};
use maud::{Markup, html};

use super::{changes, model::OfRow, page::Page, query::Query, value, visit::Visit};
use crate::{
    db::admin::{
        TABLES,
        audit::{Access, AuditRequest, Place},
    },
    error::{ApiError, Result},
    input::{parse_date, parse_time},
};

/// How many entries a page has.
const PAGE: i64 = 50;

const VIAS: &[(&str, &str)] = &[("api", "API"), ("admin", "Admin"), ("cli", "Command line"), ("system", "System")];
const ACTIONS: &[(&str, &str)] =
    &[("INSERT", "Added"), ("UPDATE", "Changed"), ("DELETE", "Deleted"), ("EVENT", "Event")];

/// What the URL asks for.
fn request(query: &Query) -> AuditRequest {
    let number = |name: &str| query.get(name).and_then(|text| text.trim().parse().ok());
    let one_of = |name: &str, choices: &[(&str, &str)]| {
        query.get(name).filter(|sent| choices.iter().any(|(choice, _)| choice == sent)).map(ToOwned::to_owned)
    };
    let table = query.get("table").and_then(|name| TABLES.into_iter().find(|table| table.name == name));
    AuditRequest {
        who: query.get("who").map(|who| who.trim().to_owned()),
        actor_id: number("actor"),
        from: query.get("from").and_then(|from| beginning(from, 0)),
        to: query.get("to").and_then(|to| beginning(to, 1)),
        via: one_of("via", VIAS),
        action: one_of("action", ACTIONS),
        table: table.map(|table| table.sql),
        row: number("row").filter(|_| table.is_some()),
        patient: number("patient"),
        after: query.get("after").and_then(place),
        limit: PAGE,
    }
}

/// The beginning of a day, so many days later; or a point in time.
fn beginning(text: &str, days: u64) -> Option<DateTime<Utc>> {
    match parse_date(text) {
        Some(day) => Some(day.checked_add_days(chrono::Days::new(days))?.and_time(NaiveTime::MIN).and_utc()),
        None => parse_time(text),
    }
}

/// Where a page begins, as the URL says it.
fn place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('-')?;
    Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?))
}

fn place_text((at, id): Place) -> String {
    format!("{}-{id}", at.timestamp_micros())
}

/// All changes.
pub(super) async fn changes(visit: Visit) -> Result<Response> {
    let query = Query::parse(visit.query());
    let page = visit.admin.changes(&request(&query)).await?;
    let tables: Vec<(&str, &str)> = TABLES.iter().map(|table| (table.name, table.title)).collect();
    let content = html! {
        form .bar role="search" aria-label="Changes" {
            (line(&query, "who", "Who", "email", "E-mail"))
            (line(&query, "from", "From", "date", ""))
            (line(&query, "to", "To", "date", ""))
            (choice(&query, "action", "What", ACTIONS))
            (choice(&query, "table", "Of", &tables))
            (line(&query, "row", "No.", "number", ""))
            (choice(&query, "via", "By", VIAS))
            @if let Some(actor) = query.get("actor") { input type="hidden" name="actor" value=(actor); }
            button { "Filter" }
            @if !query.is_empty() { a href=(visit.to("changes/")) { "Clear" } }
        }
        (changes::entries(&visit, &page.entries))
        (further(&query, page.entries.is_empty(), page.is_cut, page.next))
    };
    Ok(visit.page(Page { title: "Changes", place: "changes/", ..Page::default() }, content))
}

/// What became of a row, also of one that is gone.
pub(super) async fn history(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    let query = Query::parse(visit.query());
    let table = model.table;
    let asked = AuditRequest {
        table: Some(table.sql),
        row: Some(id),
        after: query.get("after").and_then(place),
        limit: PAGE,
        ..AuditRequest::default()
    };
    let label = visit.admin.label(table, id).await?;
    let page = visit.admin.changes(&asked).await?;
    if label.is_none() && page.entries.is_empty() {
        return Err(ApiError::NotFound);
    }
    let mut trail = vec![(visit.list(table), table.title.to_owned())];
    let is_there = label.is_some();
    let label = label.unwrap_or_else(|| format!("{} {id}", table.noun));
    if is_there {
        trail.push((format!("{}/{id}/change/{}", table.name, visit.carried()), label.clone()));
    }
    let content = html! {
        @if !is_there { p .notice { "This " (table.noun) " was deleted." } }
        @if table.name == "patients" {
            p .tools { a href=(visit.to(&format!("accesses/?patient={id}"))) { "Who read it" } }
        }
        (changes::entries(&visit, &page.entries))
        (further(&query, page.entries.is_empty(), page.is_cut, page.next))
    };
    let title = format!("History of {label}");
    let place = format!("{}/", table.name);
    Ok(visit.page(Page { title: &title, trail: &trail, place: &place, ..Page::default() }, content))
}

/// All accesses.
pub(super) async fn accesses(visit: Visit) -> Result<Response> {
    let query = Query::parse(visit.query());
    let asked = AuditRequest { action: None, table: None, row: None, ..request(&query) };
    let page = visit.admin.accesses(&asked).await?;
    let content = html! {
        form .bar role="search" aria-label="Accesses" {
            (line(&query, "who", "Who", "email", "E-mail"))
            (line(&query, "patient", "Patient", "number", "No."))
            (line(&query, "from", "From", "date", ""))
            (line(&query, "to", "To", "date", ""))
            (choice(&query, "via", "By", VIAS.get(..2).unwrap_or_default()))
            button { "Filter" }
            @if !query.is_empty() { a href=(visit.to("accesses/")) { "Clear" } }
        }
        @if !page.entries.is_empty() {
            div .scroll tabindex="0" role="region" aria-label="Accesses" {
                table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Patients" } th scope="col" { "By" } th scope="col" { "Address" } th scope="col" { "Request" } } }
                    tbody { @for entry in &page.entries { (access(&visit, entry)) } }
                }
            }
        }
        (further(&query, page.entries.is_empty(), page.is_cut, page.next))
    };
    Ok(visit.page(Page { title: "Accesses", place: "accesses/", ..Page::default() }, content))
}

fn access(visit: &Visit, entry: &Access) -> Markup {
    let shown = entry.patients.as_array().map(Vec::as_slice).unwrap_or_default();
    let others = entry.count - i64::try_from(shown.len()).unwrap_or_default();
    html! {
        tr {
            td { (value::moment(entry.at)) }
            td { a href=(visit.to(&format!("users/{}/change/", entry.actor_id))) { (entry.actor) } }
            td {
                @for (index, patient) in shown.iter().enumerate() {
                    @if index > 0 { ", " }
                    (value::shown(visit.root(), crate::db::admin::table::Kind::Row("patients"), patient))
                }
                @if others > 0 { @if !shown.is_empty() { " and " } (others) " more" }
            }
            td { (value::words(VIAS, &entry.via)) }
            td { (entry.address.as_deref().unwrap_or("–")) }
            td .quiet .code { (entry.request_id) }
        }
    }
}

/// Where the list goes on.
fn further(query: &Query, is_empty: bool, is_cut: bool, next: Option<Place>) -> Markup {
    html! {
        @if is_empty && next.is_none() { div .empty { p { "There is nothing of this." } } }
        @if is_cut { p .quiet role="status" { @if is_empty { "Nothing among the entries that were looked at." } @else { "There may be more among older entries." } } }
        @if let Some(next) = next {
            p .under { a .button href=(query.with("after", Some(&place_text(next))).url()) rel="next" { @if is_cut { "Look further" } @else { "Older entries" } } }
        }
    }
}

fn line(query: &Query, name: &str, label: &str, kind: &str, placeholder: &str) -> Markup {
    html! {
        label { span { (label) }
            input name=(name) type=(kind) value=(query.get(name).unwrap_or_default()) placeholder=(placeholder); }
    }
}

fn choice(query: &Query, name: &str, label: &str, choices: &[(&str, &str)]) -> Markup {
    html! {
        label { span { (label) }
            select name=(name) {
                option value="" { "All" }
                @for (value, words) in choices { option value=(value) selected[query.get(name) == Some(value)] { (words) } }
            }
        }
    }
}
