//! In and out.

use axum::{
    extract::{FromRequestParts, State},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{RETRY_AFTER, SET_COOKIE},
        request::Parts,
    },
    response::{IntoResponse, Redirect, Response},
};
use maud::html;

use super::{
    AdminState,
    notice::{self, Done, Notice},
    page::{Frame, Page},
    visit::Visit,
};
use crate::{
    api::auth::login::{self, Credentials},
    auth::{Attempt, Via, staff},
    config::AdminPath,
    error::{ApiError, Result, messages::REQUIRED},
    input::SmallForm,
    request::Origin,
};

const REFUSED: &str = "Please enter the correct e-mail or username and password of a staff account. \
                       Small and capital letters of the password are different.";

/// Where somebody logs in who wants to see a page.
pub(super) fn login_path(root: &AdminPath, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    root.to(&format!("login/?next={next}"))
}

/// The page after the login: only one of ours.
fn checked_next<'a>(root: &'a AdminPath, next: &'a str) -> &'a str {
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_ours =
        path.starts_with(root.as_str()) && !path.contains("//") && !path.contains("/.") && !path.contains('%');
    if is_plain && is_ours { next } else { root.as_str() }
}

fn query_next(uri: &Uri) -> String {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.into_iter().find(|(name, _)| name == "next").map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The form; or on to the page, for who is logged in.
pub(super) async fn login_page(State(state): State<AdminState>, mut parts: Parts) -> Response {
    let next = query_next(&parts.uri);
    if Visit::from_request_parts(&mut parts, &state).await.is_ok() {
        return Redirect::to(checked_next(&state.root, &next)).into_response();
    }
    // to a stranger it names nobody
    let notice = match Notice::kept(&parts.headers) {
        Some(notice) => notice.words(None).await.ok(),
        None => None,
    };
    let mut page = form(&state.root, &next, "", None, notice.as_deref());
    notice::clear(page.headers_mut(), &state.root);
    page
}

fn form(root: &AdminPath, next: &str, login: &str, error: Option<&str>, notice: Option<&str>) -> Response {
    let content = html! {
        form .card method="post" action=(root.to("login/")) {
            input type="hidden" name="next" value=(next);
            @if let Some(error) = error { p .error #refused role="alert" { (error) } }
            div .field {
                label for="username" { "E-mail or username" }
                input #username name="username" value=(login) autocomplete="username" required autofocus
                    aria-describedby=[error.map(|_| "refused")];
            }
            div .field {
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required
                    aria-describedby=[error.map(|_| "refused")];
            }
            div .buttons { button .primary { "Log in" } }
        }
    };
    Frame { root, member: None, notice }
        .page(Page { title: "Healthcare admin", ..Page::default() }, html! { div .door { (content) } })
        .into_response()
}

/// Logs in.
pub(super) async fn log_in(
    State(state): State<AdminState>,
    origin: Origin,
    headers: HeaderMap,
    SmallForm(sent): SmallForm,
) -> Result<Response> {
    let login = sent.text("username").trim();
    let credentials = Credentials { login: login.to_owned(), password: sent.text("password").to_owned() };
    let error = if login.is_empty() || credentials.password.is_empty() {
        ApiError::BadRequest(REQUIRED.into())
    } else {
        match begin(&state, &credentials, &origin, &headers).await {
            Ok(cookie) => return Ok(enter(&state.root, sent.text("next"), &cookie)),
            Err(error) => error,
        }
    };
    let (status, words) = match &error {
        ApiError::Unauthenticated(_) => (StatusCode::BAD_REQUEST, REFUSED.to_owned()),
        ApiError::BadRequest(_) => (StatusCode::BAD_REQUEST, "Both fields are required.".into()),
        ApiError::Throttled(seconds) => {
            (error.status(), format!("Too many logins have failed. Wait {seconds} seconds, then try it again."))
        }
        _ => return Err(error),
    };
    let mut page = form(&state.root, sent.text("next"), login, Some(&words), None);
    *page.status_mut() = status;
    if let ApiError::Throttled(seconds) = error {
        page.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(page)
}

/// Begins a session, and returns the header with its cookie.
async fn begin(state: &AdminState, credentials: &Credentials, origin: &Origin, headers: &HeaderMap) -> Result<String> {
    let AdminState { db, passwords, login_throttle, root, .. } = state;
    let attempt = login_throttle.attempt(origin.address, &credentials.login);
    let attempt = Attempt { via: Via::Admin, ..attempt };
    let account = login::account(db, passwords, credentials, &attempt, origin, |account| account.is_staff).await?;
    let cookie = staff::CookieSecret::random();
    let user_agent = login::user_agent(headers);
    if !db.begin_admin_session(&account, &cookie, &user_agent, &attempt, origin).await? {
        return Err(login::refused(db, Some(account.user_id), &attempt, origin).await);
    }
    Ok(format!("{}={}; Path={root}; HttpOnly; SameSite=Lax", staff::COOKIE, cookie.text()))
}

fn enter(root: &AdminPath, next: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(checked_next(root, next)).into_response();
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Logs out.
pub(super) async fn log_out(visit: Visit, State(root): State<AdminPath>) -> Result<Response> {
    visit.admin.log_out().await?;
    let mut response = visit.go("login/", Notice::of(Done::LoggedOut));
    let cookie = format!("{}=; Path={root}; Max-Age=0; HttpOnly; SameSite=Lax", staff::COOKIE);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
