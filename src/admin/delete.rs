//! Deleting: first all that goes is shown, then it goes.

use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::{
    export,
    model::{Model, Of, OfRow},
    notice::{Done, Notice},
    page::Page,
    query::Query,
    record::back,
    related,
    visit::Visit,
};
use crate::{
    db::admin::list::ListRequest,
    error::{ApiError, Result},
    input::Form,
};

/// The most rows that are deleted at once.
const MOST: usize = 1000;
/// How many of the rows are looked into.
const LOOKED_INTO: usize = 20;

/// What is done with the chosen rows of a list.
pub(super) async fn action(visit: Visit, Of(model): Of, sent: Form) -> Result<Response> {
    let ids: Vec<i64> = sent.all("id").filter_map(|id| id.parse().ok()).take(MOST).collect();
    let list = format!("{}/{}", model.table.name, Query::parse(visit.query()).behind());
    if ids.is_empty() {
        return Ok(visit.go(&list, Notice::of_row(Done::NoneChosen, model.table, 0)));
    }
    match sent.text("action") {
        "export" => Ok(export::chosen(visit.admin, model, ids)),
        "delete" if sent.has("sure") => deleted(&visit, model, &ids, &list).await,
        "delete" => confirm(&visit, model, &ids, &list).await,
        _ => Err(ApiError::BadRequest("There is no such action.".into())),
    }
}

/// What goes with a row.
pub(super) async fn page(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    if !visit.admin.get(model.table, id).await?.may_change {
        return Err(visit.admin.why_refused());
    }
    let list = visit.list(model.table);
    confirm(&visit, model, &[id], &list).await
}

/// Deletes a row.
pub(super) async fn delete(visit: Visit, OfRow(model, id): OfRow) -> Result<Response> {
    let list = visit.list(model.table);
    deleted(&visit, model, &[id], &list).await
}

/// Takes a doctor from a patient, or the other way round, on the page of one of them.
pub(super) async fn remove(visit: Visit, OfRow(model, id): OfRow, sent: Form) -> Result<Response> {
    if !model.table.is_link {
        return Err(ApiError::NotFound);
    }
    let next = back(&visit, &sent).unwrap_or_else(|| format!("{}/", model.table.name));
    deleted(&visit, model, &[id], &next).await
}

async fn deleted(visit: &Visit, model: &Model, ids: &[i64], next: &str) -> Result<Response> {
    let count = visit.admin.delete(model.table, ids).await?;
    let notice = match ids {
        [id] => Notice::of_row(Done::Deleted, model.table, *id),
        _ => Notice::of_row(Done::AllDeleted, model.table, 0).times(count.cast_signed()),
    };
    // whoever deleted their own account is no longer logged in
    Ok(visit.go(next, notice))
}

async fn confirm(visit: &Visit, model: &'static Model, ids: &[i64], list: &str) -> Result<Response> {
    let table = model.table;
    let limit = i64::try_from(MOST).unwrap_or(i64::MAX);
    let request = ListRequest { ids: Some(ids.to_vec()), ..ListRequest::latest(limit) };
    let rows = visit.admin.list(table, &request).await?.rows;
    if rows.is_empty() {
        return Err(ApiError::NotFound);
    }
    let mut goes = Vec::new();
    for row in rows.iter().take(LOOKED_INTO) {
        goes.push(html! {
            li {
                a href=(visit.to(&format!("{}/{}/change/", table.name, row.id))) { (row.label) }
                (what_goes(visit, model, row.id).await?)
            }
        });
    }
    let (single, action) = match ids {
        [id] => (true, visit.to(&format!("{}/{id}/delete/{}", table.name, visit.carried()))),
        _ => (false, visit.to(list)),
    };
    let title = if single {
        format!("Delete this {}?", table.noun)
    } else {
        format!("Delete {} {}?", rows.len(), table.title.to_lowercase())
    };
    let content = html! {
        form .card method="post" action=(action) {
            p { "This can't be undone. The history stays. All of this goes:" }
            ul .goes { @for item in goes { (item) } }
            @if rows.len() > LOOKED_INTO { p { "And " (rows.len() - LOOKED_INTO) " more " (table.title.to_lowercase()) ", with what belongs to them." } }
            @if !single {
                input type="hidden" name="action" value="delete";
                input type="hidden" name="sure" value="1";
                @for row in &rows { input type="hidden" name="id" value=(row.id); }
            }
            div .buttons {
                button .danger { "Yes, delete" }
                a .button href=(visit.to(list)) { "No, go back" }
            }
        }
    };
    let trail = [(list.to_owned(), table.title.to_owned())];
    let place = format!("{}/", table.name);
    Ok(visit.page(Page { title: &title, trail: &trail, place: &place, ..Page::default() }, content).into_response())
}

/// What belongs to a row, and what belongs to that.
async fn what_goes(visit: &Visit, model: &Model, id: i64) -> Result<Markup> {
    let mut parts = Vec::new();
    for related in model.table.related {
        let (table, page, count) = related::rows(visit, related, id).await?;
        if count == 0 {
            continue;
        }
        parts.push(html! {
            p { (related::many(count)) " " (if count == 1 { table.noun.to_owned() } else { table.title.to_lowercase() }) @if table.name == "patients" { ", with their mappings" } ":" }
            ul {
                @for row in &page.rows { li { a href=(visit.to(&format!("{}/{}/change/", table.name, row.id))) { (row.label) } } }
                @if page.next.is_some() { li { a href=(visit.to(&format!("{}/?{}={id}", table.name, related.filter))) { "and others" } } }
            }
        });
    }
    if model.is_account {
        parts.push(html! { p { "All its logins and API tokens." } });
    }
    Ok(html! { @for part in parts { (part) } })
}
