//! The list of a model.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};

use super::{
    filters,
    model::{Model, Of},
    page::Page,
    query::{self, Query},
    record::with_status,
    value,
    visit::Visit,
};
use crate::{
    db::admin::{
        list::{COUNTED, ListPage, ListRequest, ListRow},
        table::Column,
    },
    error::{ApiError, Result},
};

/// A page of the list.
pub(super) async fn page(visit: Visit, Of(model): Of) -> Result<Response> {
    let query = Query::parse(visit.query());
    let (request, error) = match query.request(model) {
        Err(ApiError::BadRequest(words)) => (query.with("q", None).request(model)?, Some(words)),
        request => (request?, None),
    };
    let rows = match error {
        Some(_) => ListPage { rows: Vec::new(), next: None },
        None => visit.admin.list(model.table, &request).await?,
    };
    if rows.rows.is_empty() && request.after.is_some() && error.is_none() {
        let first = format!("{}/{}", model.table.name, query.with("after", None).url());
        return Ok(Redirect::to(&visit.to(&first)).into_response());
    }
    let count = if request.is_of_all() { Some(visit.admin.count(model.table, &request).await?) } else { None };
    let filters = filters::panel(&visit, model, &query).await?;
    let title = model.table.title;
    let content = html! {
        div .head {
            form .search role="search" aria-label=(title) {
                label .hidden for="q" { "Search " (title.to_lowercase()) }
                input #q type="search" name="q" value=(query.get("q").unwrap_or_default()) placeholder={ "Search " (title.to_lowercase()) };
                @for (name, value) in query.others(&["q", "after"]) { input type="hidden" name=(name) value=(value); }
                button { "Search" }
            }
            a .button .primary href=(visit.to(&format!("{}/add/{}", model.table.name, query.carried(model.table.name)))) { "Add " (model.table.noun) }
        }
        div .list {
            (filters)
            div .results {
                @if let Some(error) = &error { div .empty { p .error role="alert" { (error) } } }
                @else if rows.rows.is_empty() { (empty(&visit, model, &request)) }
                @else { (table(&visit, model, &query, &request, &rows, count)) }
            }
        }
    };
    let place = format!("{}/", model.table.name);
    let page = visit.page(Page { title, place: &place, ..Page::default() }, content);
    Ok(if error.is_some() { with_status(page, StatusCode::BAD_REQUEST) } else { page })
}

fn empty(visit: &Visit, model: &Model, request: &ListRequest) -> Markup {
    let (noun, title) = (model.table.noun, model.table.title.to_lowercase());
    html! {
        div .empty {
            @if request.is_of_all() {
                p { "There are no " (title) " yet." }
                a .button href=(visit.to(&format!("{}/add/", model.table.name))) { "Add the first " (noun) }
            } @else {
                p { "No " (noun) " matches." }
                a .button href=(visit.to(&format!("{}/", model.table.name))) { "Show all " (title) }
            }
        }
    }
}

fn table(
    visit: &Visit,
    model: &Model,
    query: &Query,
    request: &ListRequest,
    page: &ListPage,
    count: Option<i64>,
) -> Markup {
    html! {
        form method="post" {
            div .scroll tabindex="0" role="region" aria-label=(model.table.title) {
                table {
                    thead {
                        tr {
                            th .tick scope="col" { input type="checkbox" data-all aria-label="Choose all on this page" hidden; }
                            @for column in model.table.columns { (heading(query, request, column)) }
                        }
                    }
                    tbody { @for row in &page.rows { (row_of(visit, model, query, row)) } }
                }
            }
            div .under {
                div .actions {
                    button name="action" value="delete" { "Delete chosen" }
                    button name="action" value="export" { "Export chosen" }
                    a href=(visit.to(&format!("{}/export/{}", model.table.name, query.with("after", None).url()))) { "Export all as CSV" }
                }
                p .count role="status" { (counted(model, request, page, count)) }
                @if request.after.is_some() { a href=(query.with("after", None).url()) { "First page" } }
                @if let Some(next) = &page.next {
                    a .button href=(query.with("after", Some(&query::place_text(next))).url()) rel="next" { "Next page" }
                }
            }
        }
    }
}

fn counted(model: &Model, request: &ListRequest, page: &ListPage, count: Option<i64>) -> String {
    let title = model.table.title.to_lowercase();
    let here = page.rows.len();
    match count {
        Some(count) if count > COUNTED => format!("{here} of more than {} {title}", grouped(COUNTED)),
        Some(count) => format!("{here} of {} {title}", grouped(count)),
        None if page.next.is_none() && request.after.is_none() => format!("{here} found"),
        None => format!("{here} on this page"),
    }
}

/// A number with a comma between thousands.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

fn heading(query: &Query, request: &ListRequest, column: &Column) -> Markup {
    let is_ordered = request.order.is_some_and(|order| order.name == column.name);
    let (sort, sign) = match (is_ordered, request.is_descending) {
        (true, true) => (Some("descending"), ""),
        (true, false) => (Some("ascending"), "-"),
        (false, _) => (None, ""),
    };
    let url = query.with("o", Some(&format!("{sign}{}", column.name))).url();
    html! { th scope="col" aria-sort=[sort] { a href=(url) { (column.title) } } }
}

fn row_of(visit: &Visit, model: &Model, query: &Query, row: &ListRow) -> Markup {
    let table = model.table;
    let carried = query.carried(table.name);
    html! {
        tr {
            td .tick { input type="checkbox" name="id" value=(row.id) aria-label={ "Choose " (row.label) }; }
            @for (index, column) in table.columns.iter().enumerate() {
                @let value = row.values.get(column.name).unwrap_or_default();
                @let shown = value::shown(visit.root(), column.kind, value);
                @if index == 0 {
                    th scope="row" { a href=(visit.to(&format!("{}/{}/change/{carried}", table.name, row.id))) { (shown) } }
                } @else {
                    td { (shown) }
                }
            }
        }
    }
}
