//! The pages where staff work: everybody's patients, doctors, mappings and users, and what became of them. All HTML; it works
//! without JavaScript.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    extract::{FromRef, MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderValue, Method,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, Entry, ORIGIN, SET_COOKIE},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::{CsrfLayer, ProtectionError},
};

use crate::{
    api::AppState,
    auth::{LoginThrottle, Passwords},
    config::AdminPath,
    db::Db,
    error::ApiError,
    input::Room,
    request::IsHttps,
};

mod accounts;
mod audit;
mod changes;
mod delete;
mod doctors;
mod doors;
mod export;
mod files;
mod filters;
mod form;
mod index;
mod list;
mod mappings;
mod model;
mod notice;
mod page;
mod password;
mod patients;
mod pick;
mod query;
mod read;
mod record;
mod related;
mod search;
mod users;
mod value;
mod visit;

use visit::Visit;

/// The longest that a page may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Nothing from elsewhere, and nothing inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// What pages are made with.
#[derive(Clone, FromRef)]
struct AdminState {
    db: Db,
    passwords: Passwords,
    login_throttle: LoginThrottle,
    room: Room,
    root: AdminPath,
}

/// Every page there is, below this path.
pub fn routes(state: &AppState, root: &AdminPath) -> Router {
    let state = AdminState {
        db: state.db.clone(),
        passwords: state.passwords.clone(),
        login_throttle: state.login_throttle.clone(),
        room: state.room.clone(),
        root: root.clone(),
    };
    Router::new()
        .route(&root.to(""), get(index::page))
        .route(&root.to("login/"), get(doors::login_page).post(doors::log_in))
        .route(&root.to("logout/"), post(doors::log_out))
        .route(&root.to("password/"), get(password::page).post(password::change))
        .route(&root.to("search/"), get(search::page))
        .route(&root.to("changes/"), get(audit::changes))
        .route(&root.to("accesses/"), get(audit::accesses))
        .route(&root.to("static/{file}"), get(files::file))
        .route(&root.to("users/add/"), get(accounts::add_page).post(accounts::add))
        .route(&root.to("{model}/"), get(list::page).post(delete::action))
        .route(&root.to("{model}/add/"), get(record::add_page).post(record::add))
        .route(&root.to("{model}/export/"), get(export::all))
        .route(&root.to("{model}/pick/"), get(pick::filter))
        .route(&root.to("{model}/suggest/"), get(pick::suggest))
        .route(&root.to("{model}/{id}/"), get(record::row))
        .route(&root.to("{model}/{id}/change/"), get(record::change_page).post(record::change))
        .route(&root.to("{model}/{id}/delete/"), get(delete::page).post(delete::delete))
        .route(&root.to("{model}/{id}/history/"), get(audit::history))
        .route(&root.to("{model}/{id}/password/"), get(accounts::password_page).post(accounts::set_password))
        .route(&root.to("{model}/{id}/remove/"), post(delete::remove))
        .route(&root.to("{model}/{id}/sessions/end/"), post(accounts::end_sessions))
        .route(&root.to("{model}"), get(nowhere))
        .route(&root.to("{model}/{id}"), get(nowhere))
        .route(&root.to("{model}/{id}/{what}"), get(nowhere))
        .route(&root.to("{model}/{id}/{what}/"), get(nowhere))
        .route(root.as_str().trim_end_matches('/'), get(nowhere))
        .method_not_allowed_fallback(async |method: Method| ApiError::MethodNotAllowed(method))
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state((root.clone(), state.room.clone()), around))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(CsrfLayer::new()),
        )
        .with_state(state)
}

/// A path that nothing is at: with a slash there may be.
async fn nowhere(visit: Visit) -> Response {
    match visit.path().strip_suffix('/') {
        Some(_) => ApiError::NotFound.into_response(),
        None => Redirect::permanent(&visit.path_with_slash()).into_response(),
    }
}

/// The message of a panic is not logged, because it may quote a patient's data.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::Internal("a page of the admin panicked".into()).into_response()
}

/// For every page: sends who is not logged in to the login, says errors as pages, and keeps it out of caches and frames.
async fn around(
    State((root, limits)): State<(AdminPath, Room)>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    // a browser says where its form came from, also where the proxy does not
    let origin = request.headers().get(ORIGIN);
    let is_https =
        IsHttps::of(request.extensions()) || origin.is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
    let next_page = if request.method() == Method::GET { request.uri().to_string() } else { root.to_string() };
    let response = match limits.admit(request.extensions().get()) {
        Ok(()) => tokio::time::timeout(TIMEOUT, next.run(request)).await,
        Err(error) => Ok(error.into_response()),
    };
    let response = response.unwrap_or_else(|_| ApiError::Unavailable("a page took too long".into()).into_response());
    let is_cross_site = response.extensions().get::<ProtectionError>().is_some();
    let mut response = match response.extensions().get::<ApiError>() {
        Some(ApiError::Unauthenticated(_)) => Redirect::to(&doors::login_path(&root, &next_page)).into_response(),
        Some(error) => page::error(&root, error, &response),
        None if is_cross_site => page::cross_site(&root),
        None => response,
    };
    let headers = response.headers_mut();
    if is_https {
        keep_cookies_secret(headers);
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}

/// Browsers send these cookies over https alone.
fn keep_cookies_secret(headers: &mut HeaderMap) {
    if let Entry::Occupied(mut cookies) = headers.entry(SET_COOKIE) {
        for cookie in cookies.iter_mut() {
            if let Ok(secure) = HeaderValue::try_from([cookie.as_bytes(), b"; Secure"].concat()) {
                *cookie = secure;
            }
        }
    }
}
