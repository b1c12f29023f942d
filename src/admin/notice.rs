//! What is said once, on the next page. The cookie that says it holds a kind and numbers, and nobody's name.

use axum::{
    http::{HeaderMap, HeaderValue, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use headers::{Cookie, HeaderMapExt};

use super::related::many;
use crate::{
    config::AdminPath,
    db::admin::{self, Admin, Table},
    error::Result,
};

const COOKIE: &str = "healthcare_admin_notice";

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Added,
    Changed,
    Deleted,
    /// Many rows.
    AllDeleted,
    /// Nothing: no row was chosen.
    NoneChosen,
    PasswordSet,
    LoginsEnded,
    OwnPassword,
    LoggedOut,
}

/// Each as the cookie says it.
const NAMES: [(Done, &str); 9] = [
    (Done::Added, "added"),
    (Done::Changed, "changed"),
    (Done::Deleted, "deleted"),
    (Done::AllDeleted, "all-deleted"),
    (Done::NoneChosen, "none-chosen"),
    (Done::PasswordSet, "password-set"),
    (Done::LoginsEnded, "logins-ended"),
    (Done::OwnPassword, "own-password"),
    (Done::LoggedOut, "logged-out"),
];

/// What was done, to which row, and how often.
#[derive(Clone, Copy)]
pub(super) struct Notice {
    done: Done,
    table: Option<&'static Table>,
    id: i64,
    count: i64,
}

impl Notice {
    /// It was done to nothing that has a name.
    pub(super) const fn of(done: Done) -> Self {
        Self { done, table: None, id: 0, count: 0 }
    }

    /// It was done to a row.
    pub(super) const fn of_row(done: Done, table: &'static Table, id: i64) -> Self {
        Self { done, table: Some(table), id, count: 0 }
    }

    /// It was done so often.
    pub(super) const fn times(self, count: i64) -> Self {
        Self { count, ..self }
    }

    /// The one that a browser has kept for this page.
    pub(super) fn kept(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.typed_get::<Cookie>()?;
        let mut parts = cookies.get(COOKIE)?.split('.');
        let name = parts.next()?;
        let (done, _) = NAMES.into_iter().find(|(_, known)| *known == name)?;
        let table = admin::table(parts.next()?);
        let (id, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { done, table, id, count })
    }

    /// Its words. The name of a row is looked up, which is recorded like any look at it.
    pub(super) async fn words(self, admin: Option<&Admin>) -> Result<String> {
        let (noun, title) = self.table.map_or(("row", "rows".into()), |table| (table.noun, table.title.to_lowercase()));
        let name = match (self.table, admin) {
            (Some(table), Some(admin)) if self.has_name() => admin.label(table, self.id).await?,
            _ => None,
        };
        let name = name.map_or_else(|| format!("No. {}", self.id), |name| format!("“{name}”"));
        Ok(match self.done {
            Done::Added => format!("The {noun} {name} was added."),
            Done::Changed => format!("The {noun} {name} was changed."),
            Done::Deleted => format!("The {noun} {name} was deleted."),
            Done::AllDeleted => format!("{} {title} were deleted.", many(self.count)),
            Done::NoneChosen => format!("Choose the {title} first."),
            Done::PasswordSet => format!("The password of {name} was set."),
            Done::LoginsEnded if self.count == 1 => format!("1 login of {name} was ended."),
            Done::LoginsEnded => format!("{} logins of {name} were ended.", many(self.count)),
            Done::OwnPassword => "Your password is changed.".into(),
            Done::LoggedOut => "You are logged out.".into(),
        })
    }

    /// Whether its row is still there to be named.
    fn has_name(self) -> bool {
        !matches!(self.done, Done::Deleted | Done::AllDeleted | Done::NoneChosen)
    }

    fn text(self) -> String {
        let name = NAMES.into_iter().find(|(done, _)| *done == self.done).map_or("", |(_, name)| name);
        format!("{name}.{}.{}.{}", self.table.map_or("", |table| table.name), self.id, self.count)
    }
}

/// Goes on to another page, which says this.
pub(super) fn redirect(root: &AdminPath, path: &str, notice: Notice) -> Response {
    let mut response = Redirect::to(path).into_response();
    set(response.headers_mut(), root, &notice.text(), 60);
    response
}

/// It was said.
pub(super) fn clear(headers: &mut HeaderMap, root: &AdminPath) {
    set(headers, root, "", 0);
}

fn set(headers: &mut HeaderMap, root: &AdminPath, text: &str, seconds: u32) {
    let cookie = format!("{COOKIE}={text}; Path={root}; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}
