//! A request of a staff member for a page.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Method, Uri, request::Parts},
    response::{IntoResponse, Response},
};
use maud::Markup;

use super::{
    notice::{self, Notice},
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

/// A staff member, and the page that they ask for. Only the extractor makes one.
pub(super) struct Visit {
    pub(super) admin: Admin,
    root: AdminPath,
    uri: Uri,
    /// What is said on this page.
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
            notice::clear(response.headers_mut(), &self.root);
        }
        response
    }

    /// Goes on to another page, which says this.
    pub(super) fn go(&self, rest: &str, notice: Notice) -> Response {
        notice::redirect(&self.root, &self.to(rest), notice)
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
        let notice = match Notice::kept(&parts.headers).filter(|_| parts.method == Method::GET) {
            Some(notice) => Some(notice.words(Some(&admin)).await?),
            None => None,
        };
        Ok(Self { admin, root: AdminPath::from_ref(state), uri: parts.uri.clone(), notice })
    }
}
