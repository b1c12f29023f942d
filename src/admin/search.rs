//! One search over all models.

use axum::{http::StatusCode, response::Response};
use maud::html;

use super::{page::Page, query::Query, record::with_status, value, visit::Visit};
use crate::error::{ApiError, Result};

/// How many rows of each model are shown.
const SHOWN: i64 = 10;

/// What was found.
pub(super) async fn page(visit: Visit) -> Result<Response> {
    let query = Query::parse(visit.query());
    let text = query.get("q").unwrap_or_default();
    let (words, error) = match query.words() {
        Err(ApiError::BadRequest(words)) => (Vec::new(), Some(words)),
        words => (words?, None),
    };
    let found = if words.is_empty() { Vec::new() } else { visit.admin.search_all(&words, SHOWN).await? };
    let is_empty = found.iter().all(|(_, page)| page.rows.is_empty());
    let content = html! {
        @if let Some(error) = &error { p .error role="alert" { (error) } }
        @else if words.is_empty() { p { "Type a name, an e-mail, a phone number or the number of a row into the field above." } }
        @else if is_empty { div .empty { p { "Nothing matches “" (text) "”." } } }
        @for (table, page) in found.iter().filter(|(_, page)| !page.rows.is_empty()) {
            section .related aria-labelledby={ "found-" (table.name) } {
                h2 id={ "found-" (table.name) } { (table.title) }
                ul .found {
                    @for row in &page.rows {
                        li {
                            a href=(visit.to(&format!("{}/{}/change/", table.name, row.id))) { (row.label) }
                            span .quiet {
                                @for column in table.columns.iter().skip(1).take(3) {
                                    " " (value::text(column.kind, row.values.get(column.name).unwrap_or_default()))
                                }
                            }
                        }
                    }
                }
                @if page.next.is_some() {
                    p { a href=(visit.to(&format!("{}/{}", table.name, query.url()))) { "All " (table.title.to_lowercase()) " that match" } }
                }
            }
        }
    };
    let page = visit.page(Page { title: "Search", search: text, ..Page::default() }, content);
    Ok(if error.is_some() { with_status(page, StatusCode::BAD_REQUEST) } else { page })
}
