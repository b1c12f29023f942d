//! The overview: how much there is of what, and what one did last.

use axum::response::Response;
use maud::html;

use super::{changes, model::MODELS, page::Page, related::many, value, visit::Visit};
use crate::{
    db::admin::{audit::AuditRequest, list::ListRequest},
    error::Result,
};

/// How many of one's own changes are shown.
const RECENT: i64 = 10;

/// The overview.
pub(super) async fn page(visit: Visit) -> Result<Response> {
    let mut counts = Vec::new();
    for model in MODELS {
        let count = visit.admin.count(model.table, &ListRequest::latest(0)).await?;
        counts.push((model.table, many(count)));
    }
    let member = visit.admin.member();
    let request = AuditRequest {
        actor_id: Some(member.id),
        via: Some("admin".into()),
        limit: RECENT + 10,
        ..AuditRequest::default()
    };
    let recent = visit.admin.changes(&request).await?.entries;
    let recent: Vec<_> =
        recent.iter().filter(|entry| entry.table_name != "sessions" && entry.event.is_none()).collect();
    let recent = recent.get(..recent.len().min(usize::try_from(RECENT).unwrap_or(usize::MAX))).unwrap_or_default();
    let content = html! {
        div .overview {
            section aria-labelledby="models" {
                h2 #models { "Records" }
                ul .models {
                    @for (table, count) in counts {
                        li {
                            a .name href=(visit.to(&format!("{}/", table.name))) { (table.title) }
                            span .number { (count) }
                            a href=(visit.to(&format!("{}/add/", table.name))) aria-label={ "Add " (table.noun) } { "Add" }
                            a href=(visit.to(&format!("{}/", table.name))) aria-label={ "Change " (table.title.to_lowercase()) } { "Change" }
                        }
                    }
                }
            }
            section aria-labelledby="recent" {
                h2 #recent { "What you did last" }
                @if recent.is_empty() { p .quiet { "Nothing yet." } }
                @else {
                    ul .recent {
                        @for entry in recent {
                            li { span .action .{ "is-" (entry.action.name()) } { (changes::word(entry)) } " " (changes::subject(&visit, entry)) span .quiet { " " (value::moment(entry.at)) } }
                        }
                    }
                    p { a href=(visit.to(&format!("changes/?actor={}", member.id))) { "All that you did" } }
                }
            }
        }
    };
    Ok(visit.page(Page { title: "Overview", ..Page::default() }, content))
}
