//! The rows that belong to a row, on its page: a patient's doctors, a doctor's patients, a user's patients.

use maud::{Markup, html};

use super::{list::grouped, model::Model, pick, value, visit::Visit};
use crate::{
    db::admin::{
        self, Table,
        list::{COUNTED, Condition, ListPage, ListRequest},
        table::{By, Related},
    },
    error::{ApiError, Result},
};

/// How many are shown.
pub(super) const SHOWN: i64 = 20;

/// The latest of the rows, and how many there are.
pub(super) async fn rows(visit: &Visit, related: &Related, id: i64) -> Result<(&'static Table, ListPage, i64)> {
    let table = admin::table(related.table).ok_or(ApiError::NotFound)?;
    let filter = table.filter(related.filter).ok_or(ApiError::NotFound)?;
    let request = ListRequest::latest(SHOWN).with(filter, Condition::Id(id));
    let page = visit.admin.list(table, &request).await?;
    let count = match page.next {
        Some(_) => visit.admin.count(table, &request).await?,
        None => i64::try_from(page.rows.len()).unwrap_or(i64::MAX),
    };
    Ok((table, page, count))
}

/// How many, in words.
pub(super) fn many(count: i64) -> String {
    if count > COUNTED { format!("more than {}", grouped(COUNTED)) } else { grouped(count) }
}

/// The section of a page.
pub(super) async fn section(visit: &Visit, model: &Model, id: i64, related: &Related) -> Result<Markup> {
    let (table, page, count) = rows(visit, related, id).await?;
    let columns = || table.columns.iter().skip(1).filter(|column| column.name != related.filter);
    let back = format!("{}/{id}", model.table.name);
    let list = visit.to(&format!("{}/?{}={id}", table.name, related.filter));
    Ok(html! {
        section .related aria-labelledby={ "related-" (related.table) } {
            h2 id={ "related-" (related.table) } { (related.title) " " span .quiet { (many(count)) } }
            @if page.rows.is_empty() { p .quiet { "None yet." } }
            @else {
                div .scroll tabindex="0" role="region" aria-label=(related.title) {
                    table {
                        thead { tr {
                            @if !table.is_link { th scope="col" { "Name" } }
                            @for column in columns() { th scope="col" { (column.title) } }
                            th scope="col" { span .hidden { "Actions" } }
                        } }
                        tbody {
                            @for row in &page.rows {
                                tr {
                                    @if !table.is_link {
                                        th scope="row" { a href=(visit.to(&format!("{}/{}/change/", table.name, row.id))) { (row.label) } }
                                    }
                                    @for column in columns() {
                                        td { (value::shown(visit.root(), column.kind, row.values.get(column.name).unwrap_or_default())) }
                                    }
                                    td { (remove(visit, table, row.id, &back, &row.label)) }
                                }
                            }
                        }
                    }
                }
                @if page.next.is_some() { p { a href=(list) { "Show all" } } }
            }
            (add(visit, table, related, id, &back))
        }
    })
}

fn remove(visit: &Visit, table: &Table, id: i64, back: &str, label: &str) -> Markup {
    html! {
        @if table.is_link {
            form method="post" action=(visit.to(&format!("{}/{id}/remove/{}", table.name, visit.carried()))) {
                input type="hidden" name="back" value=(back);
                button .small aria-label={ "Remove " (label) } { "Remove" }
            }
        }
    }
}

/// The line that adds one.
fn add(visit: &Visit, table: &Table, related: &Related, id: i64, back: &str) -> Markup {
    let other = table.filters.iter().find_map(|filter| match filter.by {
        By::Row(other) if filter.name != related.filter => Some((filter, other)),
        _ => None,
    });
    html! {
        @if let Some((filter, other)) = other.filter(|_| table.is_link) {
            form .pick method="post" action=(visit.to(&format!("{}/add/{}", table.name, visit.carried()))) {
                input type="hidden" name=(related.filter) value=(id);
                input type="hidden" name="back" value=(back);
                label for={ "add-" (filter.name) } { "Assign a " (filter.title.to_lowercase()) }
                (pick::line(visit.root(), other, filter.name, &format!("add-{}", filter.name), "", filter.title))
                button { "Assign" }
            }
        } @else {
            p { a .button href=(visit.to(&format!("{}/add/?{}={id}&back={back}", table.name, related.filter))) { "Add a " (table.noun) } }
        }
    }
}
