//! Lists as CSV, a page at a time, so that a long one takes no memory.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header::CONTENT_DISPOSITION, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::{
    model::{Model, Of},
    query::Query,
    value,
    visit::Visit,
};
use crate::{
    db::admin::{
        Admin, Table,
        list::{After, ListRequest, ListRow},
    },
    error::{ApiError, Result},
};

/// How many rows are read at once.
const ROWS: i64 = 1000;

/// Everything that the list has.
pub(super) async fn all(visit: Visit, Of(model): Of) -> Result<Response> {
    let request = Query::parse(visit.query()).request(model)?;
    Ok(csv(visit.admin, model, ListRequest { limit: ROWS, ..request }))
}

/// The chosen rows.
pub(super) fn chosen(admin: Admin, model: &'static Model, ids: Vec<i64>) -> Response {
    csv(admin, model, ListRequest { ids: Some(ids), ..ListRequest::latest(ROWS) })
}

fn csv(admin: Admin, model: &'static Model, request: ListRequest) -> Response {
    let table = model.table;
    let titles = table.columns.iter().map(|column| column.title.to_owned());
    let head = line(std::iter::once("No.".to_owned()).chain(titles));
    let parts = stream::unfold(Some((admin, request, head)), move |state| async move {
        let (admin, request, text) = state?;
        match part(&admin, table, &request, text).await {
            Ok((text, next)) => {
                let next = next.map(|after| (admin, ListRequest { after: Some(after), ..request }, String::new()));
                Some((Ok(Bytes::from(text)), next))
            }
            // the file breaks off, so that nobody takes it for the whole
            Err(error) => Some((Err(error), None)),
        }
    });
    let disposition = format!("attachment; filename=\"{}.csv\"", table.name);
    let disposition = HeaderValue::try_from(disposition).unwrap_or(HeaderValue::from_static("attachment"));
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")), (CONTENT_DISPOSITION, disposition)];
    (headers, Body::from_stream(parts)).into_response()
}

/// One page of the list behind a text, and where the next one begins.
async fn part(
    admin: &Admin,
    table: &'static Table,
    request: &ListRequest,
    mut text: String,
) -> Result<(String, Option<After>), ApiError> {
    let page = admin.list(table, request).await?;
    for row in &page.rows {
        text += &line(std::iter::once(row.id.to_string()).chain(cells(table, row)));
    }
    Ok((text, page.next))
}

fn cells<'a>(table: &'a Table, row: &'a ListRow) -> impl Iterator<Item = String> + 'a {
    table.columns.iter().map(|column| value::text(column.kind, row.values.get(column.name).unwrap_or_default()))
}

/// A line of the file (RFC 4180).
fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| quoted(&harmless(cell))).collect();
    format!("{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe. A phone number is none.
fn harmless(cell: String) -> String {
    let rest = cell.trim_start_matches(['+', '-']);
    let is_number = !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_digit() || " ().-/".contains(letter));
    let is_formula = match cell.chars().next() {
        Some('=' | '@' | '\t' | '\r') => true,
        Some('+' | '-') => !is_number,
        _ => false,
    };
    if is_formula { format!("'{cell}") } else { cell }
}
