//! Fields in which a row is picked. People type what they know of it: a name, an e-mail, a number. A script suggests while they
//! type; without it, the server asks when more than one row matches.

use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::json;

use super::{
    model::{Model, Of},
    page::Page,
    query::{Query, words},
    value,
    visit::Visit,
};
use crate::{
    api::answer::Json,
    config::AdminPath,
    db::admin::{self, Table, list::ListRow, table::By},
    error::{ApiError, Result},
};

/// How many rows are suggested.
const SUGGESTED: i64 = 8;

/// What a text stands for.
pub(super) enum Picked {
    /// Nothing was typed.
    Nothing,
    One(i64, String),
    /// A number, with a name that is not the one of its row.
    Another(i64, String),
    /// More than one row matches: some of them.
    Many(Vec<(i64, String)>),
    /// No row matches.
    NoRow,
}

/// A row, as a field says it.
pub(super) fn text(id: i64, label: &str) -> String {
    format!("{label} #{id}")
}

/// Finds the row that is meant.
pub(super) async fn picked(visit: &Visit, table: &'static Table, typed: &str) -> Result<Picked> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(Picked::Nothing);
    }
    if let Some(id) = number(typed) {
        let Some(label) = visit.admin.label(table, id).await? else { return Ok(Picked::NoRow) };
        let name = typed.rsplit_once('#').map_or("", |(name, _)| name.trim());
        let is_it = name.is_empty() || name == label.trim();
        return Ok(if is_it { Picked::One(id, label) } else { Picked::Another(id, label) });
    }
    let found = visit.admin.search(table, &words(typed)?, SUGGESTED).await?;
    let mut rows: Vec<(i64, String)> = found.rows.into_iter().map(|row| (row.id, row.label)).collect();
    let same = rows.iter().filter(|(_, label)| label.to_lowercase() == typed.to_lowercase()).count();
    if same == 1 {
        rows.retain(|(_, label)| label.to_lowercase() == typed.to_lowercase());
    }
    Ok(match rows.len() {
        0 => Picked::NoRow,
        1 => rows.pop().map_or(Picked::NoRow, |(id, label)| Picked::One(id, label)),
        _ => Picked::Many(rows),
    })
}

/// The number in `Jane Doe #12`, `#12` or `12`.
fn number(typed: &str) -> Option<i64> {
    let (_, digits) = typed.rsplit_once('#').unwrap_or(("", typed));
    digits.trim().parse().ok().filter(|_| typed.contains('#') || typed.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The line in which a row is picked.
pub(super) fn line(root: &AdminPath, table: &str, name: &str, id: &str, typed: &str, label: &str) -> Markup {
    html! {
        input id=(id) name=(name) value=(typed) autocomplete="off" aria-label=(label)
            data-suggest=(root.to(&format!("{table}/suggest/")));
    }
}

/// What the script suggests.
pub(super) async fn suggest(visit: Visit, Of(model): Of) -> Result<Response> {
    let words = Query::parse(visit.query()).words()?;
    let rows =
        if words.is_empty() { Vec::new() } else { visit.admin.search(model.table, &words, SUGGESTED).await?.rows };
    let suggestions = rows.iter().map(|row| json!({ "value": text(row.id, &row.label), "label": details(model, row) }));
    Ok(Json(suggestions.collect::<Vec<_>>()).into_response())
}

/// What else is known of a row, to tell it from another of the same name.
fn details(model: &Model, row: &ListRow) -> String {
    let columns = model.table.columns.iter().skip(1).take(4);
    let texts = columns.map(|column| value::text(column.kind, row.values.get(column.name).unwrap_or_default()));
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// From what was typed into a filter to the list that it filters.
pub(super) async fn filter(visit: Visit, Of(model): Of) -> Result<Response> {
    let query = Query::parse(visit.query());
    let name = query.get("filter").unwrap_or_default();
    let filter = model.table.filter(name).ok_or(ApiError::NotFound)?;
    let By::Row(table) = filter.by else { return Err(ApiError::NotFound) };
    let table = admin::table(table).ok_or(ApiError::NotFound)?;
    let plain = query.with("filter", None).with("pick", None);
    let list = |id: i64| {
        let url = plain.with(name, Some(&id.to_string())).url();
        visit.to(&format!("{}/{url}", model.table.name))
    };
    let rows = match picked(&visit, table, query.get("pick").unwrap_or_default()).await? {
        Picked::One(id, _) => return Ok(Redirect::to(&list(id)).into_response()),
        Picked::Nothing => {
            let url = visit.to(&format!("{}/{}", model.table.name, plain.url()));
            return Ok(Redirect::to(&url).into_response());
        }
        Picked::Many(rows) => rows,
        Picked::Another(id, label) => vec![(id, label)],
        Picked::NoRow => Vec::new(),
    };
    let content = html! {
        @if rows.is_empty() { p { "No " (table.noun) " matches “" (query.get("pick").unwrap_or_default()) "”." } }
        @else {
            p { "Which one?" }
            ul .choices { @for (id, label) in &rows { li { a href=(list(*id)) { (text(*id, label)) } } } }
        }
        p { a href=(visit.to(&format!("{}/{}", model.table.name, plain.url()))) { "Back to the list" } }
    };
    Ok(visit.page(Page { title: filter.title, ..Page::default() }, content))
}
