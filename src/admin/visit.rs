//! A request of a staff member for a page.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, HeaderValue, Uri, header::SET_COOKIE, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use headers::{Cookie, HeaderMapExt};
use maud::Markup;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    page::{Frame, Page},
    query::Query,
};
use crate::{
    auth::Staff,
    config::AdminPath,
    db::{
        Db,
        admin::{Admin, Table},
    },
    error::{ApiError, Result},
};

/// The cookie with what is said once, on the next page.
const NOTICE: &str = "healthcare_admin_notice";

/// A staff member, and the page that they ask for. Only the extractor makes one.
pub(super) struct Visit {
    pub(super) admin: Admin,
    root: AdminPath,
    uri: Uri,
    notice: Option<String>,
}

impl Visit {
    /// The path that was asked for.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// The same with a slash at its end, and with its query.
    pub(super) fn path_with_slash(&self) -> String {
        let query = self.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}/{query}", self.path())
    }

    /// The query of the URL.
    pub(super) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// The list of a table, as it was when this page was reached from it.
    pub(super) fn list(&self, table: &Table) -> String {
        Query::parse(self.query()).list(table.name)
    }

    /// What a path to a next page ends with, so that it leads back to the same list.
    pub(super) fn carried(&self) -> String {
        Query::parse(self.query()).carried_on()
    }

    /// Where the admin is.
    pub(super) fn root(&self) -> &AdminPath {
        &self.root
    }

    /// A path of the admin.
    pub(super) fn to(&self, rest: &str) -> String {
        self.root.to(rest)
    }

    /// A page.
    pub(super) fn page(&self, page: Page<'_>, content: Markup) -> Response {
        let frame = Frame { root: &self.root, member: Some(self.admin.member()), notice: self.notice.as_deref() };
        let mut response = frame.page(page, content).into_response();
        if self.notice.is_some() {
            set_notice(response.headers_mut(), &self.root, "", 0);
        }
        response
    }

    /// Goes on to another page, which says this.
    pub(super) fn go(&self, rest: &str, notice: &str) -> Response {
        redirect(&self.root, &self.to(rest), notice)
    }
}

impl<S> FromRequestParts<S> for Visit
where
    S: Send + Sync,
    Db: FromRef<S>,
    AdminPath: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let staff = Staff::from_request_parts(parts, state).await?;
        let admin = Db::from_ref(state).admin(staff).await?;
        tracing::Span::current().record("user", admin.member().id);
        Ok(Self { admin, root: AdminPath::from_ref(state), uri: parts.uri.clone(), notice: notice(&parts.headers) })
    }
}

/// What is to be said on this page.
pub(super) fn notice(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.typed_get::<Cookie>()?;
    let text = percent_decode_str(cookies.get(NOTICE)?).decode_utf8().ok()?;
    Some(text.into_owned()).filter(|text| !text.is_empty())
}

/// Goes on to another page, which says this.
pub(super) fn redirect(root: &AdminPath, path: &str, notice: &str) -> Response {
    let mut response = Redirect::to(path).into_response();
    set_notice(response.headers_mut(), root, notice, 60);
    response
}

/// Sets or clears the cookie with what is said once.
pub(super) fn set_notice(headers: &mut HeaderMap, root: &AdminPath, text: &str, seconds: u32) {
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let cookie = format!("{NOTICE}={text}; Path={root}; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}
