//! What a list can be filtered by, as links.

use maud::{Markup, html};

use super::{
    model::Model,
    pick,
    query::{AGES, Query},
    visit::Visit,
};
use crate::{
    db::admin::{
        self,
        table::{By, Filter},
    },
    error::Result,
};

/// The filters of a list.
pub(super) async fn panel(visit: &Visit, model: &'static Model, query: &Query) -> Result<Markup> {
    let mut filters = Vec::new();
    let mut active = 0;
    for filter in model.table.filters {
        active += usize::from(query.get(filter.name).is_some());
        filters.push(match filter.by {
            By::Row(table) => by_row(visit, query, filter, table).await?,
            _ => by_value(query, filter, &values(visit, filter).await?),
        });
    }
    Ok(html! {
        details .filters {
            summary { "Filters" @if active > 0 { span .quiet { " (" (active) " active)" } } }
            div {
                @if active > 0 { p { a href=(visit.to(&format!("{}/", model.table.name))) { "Clear all filters" } } }
                @for filter in filters { (filter) }
            }
        }
    })
}

/// The values that can be asked for, and their words.
async fn values(visit: &Visit, filter: &Filter) -> Result<Vec<(String, String)>> {
    let owned = |(name, words): (&str, &str)| (name.to_owned(), words.to_owned());
    Ok(match filter.by {
        By::Choice(choices) => choices.iter().copied().map(owned).collect(),
        By::Flag => [("true", "Yes"), ("false", "No")].map(owned).into(),
        By::Age => AGES.map(|(name, _, words)| owned((name, words))).into(),
        By::Value(found) => visit.admin.values(found).await?.into_iter().map(|value| (value.clone(), value)).collect(),
        By::Row(_) => Vec::new(),
    })
}

fn by_value(query: &Query, filter: &Filter, values: &[(String, String)]) -> Markup {
    let chosen = query.get(filter.name);
    let link = |value: Option<&str>, words: &str| {
        html! {
            li { a href=(query.with(filter.name, value).url()) aria-current=[(chosen == value).then_some("true")] { (words) } }
        }
    };
    html! {
        section aria-labelledby={ "filter-" (filter.name) } {
            h2 id={ "filter-" (filter.name) } { (filter.title) }
            ul {
                (link(None, "All"))
                @for (value, words) in values { (link(Some(value), words)) }
            }
        }
    }
}

async fn by_row(visit: &Visit, query: &Query, filter: &Filter, table: &str) -> Result<Markup> {
    let id = query.get(filter.name).and_then(|id| id.parse().ok());
    let chosen = match (admin::table(table), id) {
        (Some(table), Some(id)) => visit.admin.label(table, id).await?,
        _ => None,
    };
    Ok(html! {
        section aria-labelledby={ "filter-" (filter.name) } {
            h2 id={ "filter-" (filter.name) } { (filter.title) }
            @if let Some(chosen) = chosen {
                p .chosen { (chosen) " " a href=(query.with(filter.name, None).url()) { "Remove" } }
            } @else {
                form .pick action="pick/" {
                    @for (name, value) in query.others(&[filter.name, "after"]) { input type="hidden" name=(name) value=(value); }
                    input type="hidden" name="filter" value=(filter.name);
                    (pick::line(visit.root(), table, "pick", &format!("pick-{}", filter.name), "", filter.title))
                    button { "Filter" }
                }
            }
        }
    })
}
