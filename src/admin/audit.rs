//! What became of everything: the history of a row, all changes, and all accesses.

use axum::{http::StatusCode, response::Response};
use chrono::{DateTime, NaiveTime, Utc};
use maud::{Markup, html};
use serde_json::Value;

use super::{changes, model::OfRow, page::Page, query::Query, record::with_status, value, visit::Visit};
use crate::{
    db::admin::{
        self, TABLES,
        audit::{Access, AuditPage, AuditRequest, Entry, Place},
        table::Kind,
        users::USERS,
    },
    error::{ApiError, FieldErrors, Result},
    input::{parse_date, parse_time},
};

/// How many entries a page has.
const PAGE: i64 = 50;

const VIAS: &[(&str, &str)] = &[("api", "API"), ("admin", "Admin"), ("cli", "Command line"), ("system", "System")];
const ACTIONS: &[(&str, &str)] =
    &[("INSERT", "Added"), ("UPDATE", "Changed"), ("DELETE", "Deleted"), ("EVENT", "Event")];

/// What the URL asks for, and what of it can't be understood.
fn request(query: &Query) -> (AuditRequest, FieldErrors) {
    let mut errors = FieldErrors::default();
    let mut numbers = ["row", "actor", "patient"].map(|name| {
        let number = query.get(name).map(|text| text.trim().parse().ok());
        if number == Some(None) {
            errors.add(name, "Enter a number.");
        }
        number.flatten()
    });
    let [row, actor_id, patient] = &mut numbers;
    let [from, to] = [("from", 0), ("to", 1)].map(|(name, days)| {
        let at = query.get(name).map(|text| beginning(text, days));
        if at == Some(None) {
            errors.add(name, "Enter a date, such as 2026-11-30.");
        }
        at.flatten()
    });
    let tables = TABLES.map(|table| (table.name, table.title));
    let [via, action, table] = [("via", VIAS), ("action", ACTIONS), ("table", &tables)].map(|(name, choices)| {
        let sent = query.get(name);
        let choice = sent.filter(|sent| choices.iter().any(|(choice, _)| choice == sent));
        if sent.is_some() && choice.is_none() {
            errors.add(name, "There is no such choice.");
        }
        choice.map(ToOwned::to_owned)
    });
    if query.get("row").is_some() && query.get("table").is_none() {
        errors.add("table", "Choose what this is the number of.");
    }
    let request = AuditRequest {
        who: query.get("who").map(|who| who.trim().to_owned()),
        actor_id: *actor_id,
        from,
        to,
        via,
        action,
        table: table.and_then(|name| admin::table(&name)).map(|table| table.sql),
        row: *row,
        patient: *patient,
        after: query.get("after").and_then(place),
        limit: PAGE,
    };
    (request, errors)
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
    let (asked, errors) = request(&query);
    let page = if errors.is_empty() { visit.admin.changes(&asked).await? } else { AuditPage::EMPTY };
    let tables = TABLES.map(|table| (table.name, table.title));
    let actor = whose(&visit, &query, &asked, &page).await?;
    let query = &(&query, &errors);
    let content = html! {
        form .bar role="search" aria-label="Changes" {
            (line(query, "who", "Who", "email", "E-mail"))
            (line(query, "from", "From", "date", ""))
            (line(query, "to", "To", "date", ""))
            (choice(query, "action", "What", ACTIONS))
            (choice(query, "table", "Of", &tables))
            (line(query, "row", "No.", "number", ""))
            (choice(query, "via", "By", VIAS))
            @if let Some(actor) = query.0.get("actor") { input type="hidden" name="actor" value=(actor); }
            button { "Filter" }
            @if !query.0.is_empty() { a href=(visit.to("changes/")) { "Clear" } }
        }
        @if let Some(actor) = actor { p .whose { "Only what " strong { (actor) } " did. " a href=(query.0.with("actor", None).url()) { "Show everybody’s" } } }
        (changes::entries(&visit, &page.entries))
        @if errors.is_empty() { (further(query.0, page.entries.is_empty(), page.is_cut, page.next)) }
    };
    let page = visit.page(Page { title: "Changes", place: "changes/", ..Page::default() }, content);
    Ok(if errors.is_empty() { page } else { with_status(page, StatusCode::BAD_REQUEST) })
}

/// Whose changes alone are shown: the account that is asked for, also one that is gone.
async fn whose(visit: &Visit, query: &Query, asked: &AuditRequest, page: &AuditPage<Entry>) -> Result<Option<String>> {
    let Some(sent) = query.get("actor") else { return Ok(None) };
    let Some(id) = asked.actor_id else { return Ok(Some(format!("“{sent}”"))) };
    let there = visit.admin.label(&USERS, id).await?;
    let recorded = || page.entries.first().and_then(|entry| entry.actor.clone());
    Ok(Some(there.or_else(recorded).unwrap_or_else(|| format!("No. {id}"))))
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
    let (asked, errors) = request(&query.only(&["who", "patient", "from", "to", "via", "after"]));
    let page = if errors.is_empty() { visit.admin.accesses(&asked).await? } else { AuditPage::EMPTY };
    let query = &(&query, &errors);
    let content = html! {
        form .bar role="search" aria-label="Accesses" {
            (line(query, "who", "Who", "email", "E-mail"))
            (line(query, "patient", "Patient", "number", "No."))
            (line(query, "from", "From", "date", ""))
            (line(query, "to", "To", "date", ""))
            (choice(query, "via", "By", VIAS.get(..2).unwrap_or_default()))
            button { "Filter" }
            @if !query.0.is_empty() { a href=(visit.to("accesses/")) { "Clear" } }
        }
        @if !page.entries.is_empty() {
            div .scroll tabindex="0" role="region" aria-label="Accesses" {
                table {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Patients" } th scope="col" { "By" } th scope="col" { "Address" } th scope="col" { "Request" } } }
                    tbody { @for entry in &page.entries { (access(&visit, entry)) } }
                }
            }
        }
        @if errors.is_empty() { (further(query.0, page.entries.is_empty(), page.is_cut, page.next)) }
    };
    let page = visit.page(Page { title: "Accesses", place: "accesses/", ..Page::default() }, content);
    Ok(if errors.is_empty() { page } else { with_status(page, StatusCode::BAD_REQUEST) })
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
                    @if patient.get(1).is_some_and(Value::is_string) {
                        (value::shown(visit.root(), Kind::Row("patients"), patient))
                    } @else if let Some(id) = patient.get(0) {
                        a href=(visit.to(&format!("patients/{id}/history/"))) { "No. " (id) } span .quiet { " (deleted)" }
                    }
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

/// A query, and what is wrong with it.
type Asked<'a> = (&'a Query, &'a FieldErrors);

fn line((query, errors): &Asked<'_>, name: &str, label: &str, kind: &str, placeholder: &str) -> Markup {
    let text = query.get(name).unwrap_or_default();
    // what is no date does not show in a field of dates
    let kind = if errors.has(name) { "text" } else { kind };
    html! {
        label .wrong[errors.has(name)] { span { (label) }
            input name=(name) type=(kind) value=(text) placeholder=(placeholder) aria-describedby=[described(errors, name)];
            (error(errors, name)) }
    }
}

fn choice((query, errors): &Asked<'_>, name: &str, label: &str, choices: &[(&str, &str)]) -> Markup {
    html! {
        label .wrong[errors.has(name)] { span { (label) }
            select name=(name) aria-describedby=[described(errors, name)] {
                option value="" { "All" }
                @for (value, words) in choices { option value=(value) selected[query.get(name) == Some(value)] { (words) } }
            }
            (error(errors, name)) }
    }
}

fn described(errors: &FieldErrors, name: &str) -> Option<String> {
    errors.has(name).then(|| format!("{name}-error"))
}

fn error(errors: &FieldErrors, name: &str) -> Markup {
    html! { @if let Some(error) = errors.of(name) { p .error id={ (name) "-error" } { (error) } } }
}
