//! Adding a row, and changing one.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use serde_json::Value;

use super::{
    accounts, form,
    form::Shown,
    model::{Model, Of, OfRow},
    notice::{Done, Notice},
    page::Page,
    read::{fill_in_picks, read},
    related, value,
    visit::Visit,
};
use crate::{
    api::ages,
    db::admin::{FOR_SUPERUSERS, audit::AuditRequest, rows::Record, write::Change},
    error::{ApiError, FieldErrors, NON_FIELD_ERRORS, Result},
    input::Form,
};

/// The form for a new row; the URL may fill in some of it.
pub(super) async fn add_page(visit: Visit, Of(model): Of) -> Result<Response> {
    let mut typed = Form::parse(visit.query().as_bytes())?;
    fill_in_picks(&visit, model, &mut typed).await?;
    Ok(page(&visit, model, &Shown { typed: Some(&typed), ..Shown::default() }))
}

/// Adds a row.
pub(super) async fn add(visit: Visit, Of(model): Of, sent: Form) -> Result<Response> {
    let read = read(&visit, model, sent, None).await?;
    let error = if read.errors.is_empty() {
        match visit.admin.insert(model.table, &read.values).await {
            Ok(id) => return Ok(saved(&visit, model, id, &read.typed, Done::Added)),
            Err(ApiError::Invalid(errors)) => errors,
            Err(error) => return Err(error),
        }
    } else {
        read.errors
    };
    let shown = Shown { typed: Some(&read.typed), errors: error, choices: read.choices, ..Shown::default() };
    Ok(with_status(page(&visit, model, &shown), StatusCode::BAD_REQUEST))
}

/// A row, to be read and changed.
pub(super) async fn change_page(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    let record = visit.admin.get(model.table, id).await?;
    whole_page(&visit, model, Shown { record: Some(&record), ..Shown::default() }).await
}

/// Changes a row. If somebody else changed it meanwhile, nothing is written, and both are shown.
pub(super) async fn change(visit: Visit, OfRow(model, id): OfRow, sent: Form) -> Result<Response> {
    let record = visit.admin.get(model.table, id).await?;
    if !record.may_change {
        return Err(visit.admin.why_refused());
    }
    let read = read(&visit, model, sent, Some(&record)).await?;
    let (typed, choices) = (Some(&read.typed), read.choices);
    if read.typed.text("version") != record.version {
        return conflict(&visit, model, Shown { typed, record: Some(&record), ..Shown::default() }).await;
    }
    let mut errors = read.errors;
    let mut status = StatusCode::BAD_REQUEST;
    if errors.is_empty() {
        match visit.admin.update(model.table, id, &record.version, &read.values).await {
            Ok(Change::Done) => return Ok(saved(&visit, model, id, &read.typed, Done::Changed)),
            Ok(Change::Conflict(record)) => {
                return conflict(&visit, model, Shown { typed, record: Some(&record), ..Shown::default() }).await;
            }
            Err(ApiError::Invalid(found)) => errors = found,
            Err(error) => (errors, status) = refusal(error)?,
        }
    }
    let shown = Shown { typed, record: Some(&record), errors, choices, ..Shown::default() };
    Ok(with_status(whole_page(&visit, model, shown).await?, status))
}

/// What is said above the form to somebody who may not save it, so that what was typed is kept.
pub(super) fn refusal(error: ApiError) -> Result<(FieldErrors, StatusCode)> {
    match error {
        ApiError::Refused(words) | ApiError::Conflict(words) => {
            Ok((FieldErrors::one(NON_FIELD_ERRORS, words), error.status()))
        }
        error => Err(error),
    }
}

/// `/patients/12/` is the page of the patient.
pub(super) async fn row(visit: Visit, OfRow(model, id): OfRow) -> Response {
    Redirect::to(&visit.to(&format!("{}/{id}/change/", model.table.name))).into_response()
}

async fn conflict(visit: &Visit, model: &'static Model, shown: Shown<'_>) -> Result<Response> {
    let page = whole_page(visit, model, Shown { is_conflict: true, ..shown }).await?;
    Ok(with_status(page, StatusCode::CONFLICT))
}

pub(super) fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

/// Goes on as the button says that was pressed.
fn saved(visit: &Visit, model: &'static Model, id: i64, typed: &Form, done: Done) -> Response {
    let table = model.table;
    let next = if typed.has("_addanother") {
        format!("{}/add/{}", table.name, visit.carried())
    } else if typed.has("_continue") {
        format!("{}/{id}/change/{}", table.name, visit.carried())
    } else {
        back(visit, typed).unwrap_or_else(|| visit.list(table))
    };
    visit.go(&next, Notice::of_row(done, table, id))
}

/// The page of another row that the form was sent from: "patients/12/change/".
pub(super) fn back(visit: &Visit, typed: &Form) -> Option<String> {
    let (name, id) = typed.text("back").split_once('/')?;
    let model = super::model::model(name)?;
    let id: i64 = id.parse().ok()?;
    Some(format!("{}/{id}/change/{}", model.table.name, visit.carried()))
}

async fn whole_page(visit: &Visit, model: &'static Model, shown: Shown<'_>) -> Result<Response> {
    let Some(record) = shown.record else { return Err(ApiError::NotFound) };
    let conflict = if shown.is_conflict { Some(who_changed(visit, model, record.id).await?) } else { None };
    let beside = html! {
        @for related in model.table.related { (related::section(visit, model, record.id, related).await?) }
        @if model.is_account { (accounts::sections(visit, record).await?) }
    };
    let table = model.table;
    let path = |rest: &str| visit.to(&format!("{}/{}/{rest}{}", table.name, record.id, visit.carried()));
    let is_own = model.is_account && record.id == visit.admin.member().id;
    let content = html! {
        p .tools {
            a href=(path("history/")) { "History" }
            @if is_own { a href=(visit.to("password/")) { "Change password" } }
            @else if model.is_account && record.may_change { a href=(path("password/")) { "Set password" } }
            @if record.may_change { a .danger href=(path("delete/")) { "Delete" } }
        }
        @if !record.may_change { p .notice .plain { "You may look at this " (table.noun) ". " (FOR_SUPERUSERS) } }
        (dates(record))
        @if let Some(conflict) = conflict { (conflict) }
        div .halves {
            @if record.may_change { (form_of(visit, model, &shown)) } @else { (form::read_only(model.fields, record)) }
            div .beside { (beside) }
        }
    };
    let trail = [(visit.list(table), table.title.to_owned())];
    let place = format!("{}/", table.name);
    Ok(visit.page(Page { title: &record.label, trail: &trail, place: &place, ..Page::default() }, content))
}

fn dates(record: &Record) -> Markup {
    let columns = [
        ("Added", "created_at"),
        ("Joined", "date_joined"),
        ("Assigned", "assigned_at"),
        ("Updated", "updated_at"),
        ("Last login", "last_login"),
    ];
    let columns = columns.into_iter().filter_map(|(words, name)| Some((words, record.values.get(name)?)));
    html! {
        dl .dates {
            div { dt { "No." } dd { (record.id) } }
            @if let Some(age) = age(record) { div { dt { "Age" } dd { (age) } } }
            @for (words, at) in columns.filter(|(_, at)| at.is_string()) {
                div { dt { (words) } dd { (value::time(at)) } }
            }
        }
    }
}

/// How old a patient is.
fn age(record: &Record) -> Option<String> {
    let born = record.values.get("date_of_birth")?.as_str()?.parse().ok()?;
    let is_estimated = record.values.get("date_of_birth_estimated").and_then(Value::as_bool) == Some(true);
    let about = if is_estimated { "about " } else { "" };
    Some(format!("{about}{} years", ages::today(born)))
}

/// Who changed the row meanwhile.
async fn who_changed(visit: &Visit, model: &Model, id: i64) -> Result<Markup> {
    // what is about a row is not only what changed it
    let request = AuditRequest {
        table: Some(model.table.sql),
        row: Some(id),
        action: Some("UPDATE".into()),
        limit: 20,
        ..AuditRequest::default()
    };
    let page = visit.admin.changes(&request).await?;
    let last = page.entries.iter().find(|entry| entry.table_name == model.table.sql);
    Ok(html! {
        div .conflict role="alert" {
            p {
                strong {
                    @match last.and_then(|entry| entry.actor.as_deref()) {
                        Some(actor) => { (actor) " changed this while you were working on it." }
                        None => { "Somebody changed this while you were working on it." }
                    }
                }
            }
            p { "Nothing of yours is saved yet. Where the two differ, the other value stands below yours. Save to keep yours, or "
                a href="" { "begin anew" } " with what is there." }
        }
    })
}

/// The form of a new row.
fn page(visit: &Visit, model: &'static Model, shown: &Shown<'_>) -> Response {
    let table = model.table;
    let title = format!("Add {}", table.noun);
    let trail = [(visit.list(table), table.title.to_owned())];
    let place = format!("{}/", table.name);
    visit.page(Page { title: &title, trail: &trail, place: &place, ..Page::default() }, form_of(visit, model, shown))
}

fn form_of(visit: &Visit, model: &'static Model, shown: &Shown<'_>) -> Markup {
    let back = shown.typed.map(|typed| typed.text("back")).filter(|back| !back.is_empty());
    html! {
        form .card .record method="post" data-login=(visit.to("password/")) {
            (form::logged_out(visit))
            @if let Some(record) = shown.record { input type="hidden" name="version" value=(record.version); }
            @if let Some(back) = back { input type="hidden" name="back" value=(back); }
            div .fields { (form::fields(visit, model.fields, shown)) }
            div .buttons {
                button .primary name="_save" value="1" { "Save" }
                @if back.is_none() {
                    button name="_addanother" value="1" { "Save and add another" }
                    button name="_continue" value="1" { "Save and continue editing" }
                }
            }
        }
    }
}
