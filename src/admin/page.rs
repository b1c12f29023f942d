//! What every page has around its content.

use std::borrow::Cow;

use axum::{
    http::header::RETRY_AFTER,
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use super::{files, list::grouped};
use crate::{
    config::AdminPath,
    db::admin::{Member, TABLES},
    error::ApiError,
};

/// What a page is called, and where it is.
#[derive(Default, Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// The pages above it: their paths below the root, and their names.
    pub(super) trail: &'a [(String, String)],
    /// The place in the navigation that it belongs to.
    pub(super) place: &'a str,
    /// What was searched for.
    pub(super) search: &'a str,
}

/// What is around the content of a page.
pub(super) struct Frame<'a> {
    pub(super) root: &'a AdminPath,
    /// None: somebody who is not logged in.
    pub(super) member: Option<&'a Member>,
    pub(super) notice: Option<&'a str>,
}

impl Frame<'_> {
    /// A whole page.
    #[expect(clippy::needless_pass_by_value, reason = "`html!` reads best as an argument")]
    pub(super) fn page(&self, page: Page<'_>, content: Markup) -> Html<String> {
        let root = self.root;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (page.title) " · Healthcare admin" }
                    link rel="icon" href=(files::path(root, "icon.svg"));
                    link rel="stylesheet" href=(files::path(root, "admin.css"));
                    script src=(files::path(root, "admin.js")) defer {}
                }
                body {
                    a .skip href="#content" { "Skip to the content" }
                    @if let Some(member) = self.member { (self.top(member, &page)) }
                    div .below {
                        @if self.member.is_some() { (self.navigation(page.place)) }
                        main #content tabindex="-1" {
                            @if !page.trail.is_empty() { (self.trail(&page)) }
                            @if let Some(notice) = self.notice { p .notice role="status" { (notice) } }
                            h1 { (page.title) }
                            (content)
                            @if self.member.is_some() { p .quiet .utc { "Times are in UTC." } }
                        }
                    }
                }
            }
        };
        Html(page.into_string())
    }

    fn top(&self, member: &Member, page: &Page<'_>) -> Markup {
        html! {
            header .top {
                a .brand href=(self.root) { "Healthcare" span { " admin" } }
                form .find role="search" aria-label="Everything" action=(self.root.to("search/")) {
                    label .hidden for="find" { "Search everything" }
                    input #find type="search" name="q" value=(page.search) placeholder="A name, an e-mail, a number";
                    button { "Search" }
                }
                details .me {
                    summary { (member.name) }
                    div {
                        p { (member.email) br; @if member.is_superuser { "Superuser" } @else { "Staff" } }
                        a href=(self.root.to("password/")) { "Change password" }
                        form method="post" action=(self.root.to("logout/")) { button { "Log out" } }
                    }
                }
            }
        }
    }

    fn navigation(&self, place: &str) -> Markup {
        let link = |path: &str, words: &str| {
            html! { a href=(self.root.to(path)) aria-current=[(path == place).then_some("page")] { (words) } }
        };
        html! {
            nav .places aria-label="Sections" {
                (link("", "Overview"))
                @for table in TABLES { (link(&format!("{}/", table.name), table.title)) }
                (link("changes/", "Changes"))
                (link("accesses/", "Accesses"))
            }
        }
    }

    fn trail(&self, page: &Page<'_>) -> Markup {
        html! {
            nav .trail aria-label="Breadcrumb" {
                ol {
                    @for (path, words) in page.trail { li { a href=(self.root.to(path)) { (words) } } }
                    li aria-current="page" { (page.title) }
                }
            }
        }
    }
}

/// An error as a page, with the status of `response`.
pub(super) fn error(root: &AdminPath, error: &ApiError, response: &Response) -> Response {
    let (title, words): (_, Cow<'_, str>) = match error {
        ApiError::NotFound | ApiError::NoRow(_) => {
            ("Not found", "There is nothing here. It may have been deleted.".into())
        }
        ApiError::Forbidden => ("Not allowed", "You may not do this.".into()),
        ApiError::Refused(words) => ("Not allowed", (*words).into()),
        ApiError::Conflict(words) => ("Not done", (*words).into()),
        ApiError::BadRequest(words) => ("Not understood", words.as_ref().into()),
        ApiError::MethodNotAllowed(_) => ("Not possible", "This page can't be asked for in this way.".into()),
        ApiError::PayloadTooLarge(limit) => {
            let limit = grouped(i64::try_from(*limit).unwrap_or(i64::MAX));
            ("Too long", format!("A form may have {limit} bytes at most. Nothing of this one was saved.").into())
        }
        ApiError::UnsupportedMediaType(sent) => (
            "Not understood",
            format!("This page takes what the forms of a browser send, and not “{sent}”. Nothing was saved.").into(),
        ),
        ApiError::Unavailable(_) | ApiError::Busy(_) => {
            ("Too much to do", "The server has too much to do right now. Try it again.".into())
        }
        ApiError::Internal(_) => ("A fault", "Something went wrong here. It was written down.".into()),
        other if other.status().is_client_error() => {
            ("Not understood", "The server did not understand this request.".into())
        }
        _ => ("A fault", "Something went wrong here.".into()),
    };
    let mut page = plain(root, title, &words);
    *page.status_mut() = error.status();
    if let Some(seconds) = response.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, seconds.clone());
    }
    page
}

/// The page for a form that another site sent.
pub(super) fn cross_site(root: &AdminPath) -> Response {
    let mut page = plain(root, "Not from here", "This form was sent from another site, so nothing was done.");
    *page.status_mut() = axum::http::StatusCode::FORBIDDEN;
    page
}

fn plain(root: &AdminPath, title: &str, words: &str) -> Response {
    let frame = Frame { root, member: None, notice: None };
    let content = html! { p { (words) } p { a href=(root) { "Go to the overview" } } };
    frame.page(Page { title, ..Page::default() }, content).into_response()
}
