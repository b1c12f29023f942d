//! `/api/auth/sessions/` and `/api/auth/logout/`: one's own logins.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{
        answer::{Empty, Json, NoContent, Rows, Show, timestamp},
        caller::with_password,
    },
    auth::CurrentUser,
    db::{Db, Id, sessions::Session},
    error::Result,
};

/// A login.
#[derive(Serialize, ToSchema)]
#[schema(as = Session, example = json!({
    "id": 1, "device": "curl/8.5.0", "address": "192.0.2.7", "created_at": "2026-01-31T09:30:00.123456Z",
    "last_used_at": "2026-01-31T09:45:00.123456Z", "expires_at": "2026-02-01T09:30:00.123456Z", "is_current": true,
}))]
pub struct SessionView<'a> {
    id: i64,
    /// The `User-Agent` header of the login.
    device: &'a str,
    /// The address that the login came from.
    address: &'a str,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// When it last got an access token.
    #[serde(serialize_with = "timestamp")]
    last_used_at: DateTime<Utc>,
    #[serde(serialize_with = "timestamp")]
    expires_at: DateTime<Utc>,
    /// Whether this request belongs to it.
    is_current: bool,
}

impl Show for Session {
    fn view(&self) -> impl Serialize {
        SessionView {
            id: self.id,
            device: &self.user_agent,
            address: &self.address,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
            is_current: self.is_current,
        }
    }
}

/// Log out.
///
/// The tokens of this login stop working at once.
#[utoipa::path(
    post, path = "/api/auth/logout/", operation_id = "auth_logout_create", tag = "auth",
    responses((status = 200, description = "The login has ended", body = Empty)),
)]
pub async fn logout(user: CurrentUser, State(db): State<Db>) -> Result<Json<Empty>> {
    db.sessions(&user).end_own().await.map(|()| Json(Empty::default()))
}

/// List your logins.
#[utoipa::path(
    get, path = "/api/auth/sessions/", operation_id = "auth_sessions_list", tag = "auth",
    responses((status = 200, description = "Your active logins, the latest first", body = [SessionView])),
)]
pub async fn list(user: CurrentUser, State(db): State<Db>) -> Result<Rows<Session>> {
    db.sessions(&user).list().await.map(Rows)
}

/// End a login.
#[utoipa::path(
    delete, path = "/api/auth/sessions/{id}/", operation_id = "auth_sessions_destroy", tag = "auth", params(Id<Session>),
    responses((status = 204, description = "It has ended")),
)]
pub async fn destroy(user: CurrentUser, State(db): State<Db>, id: Id<Session>) -> Result<NoContent> {
    with_password(&db, &user).await?;
    db.sessions(&user).end(id).await.map(|()| NoContent)
}

/// End all your other logins.
#[utoipa::path(
    delete, path = "/api/auth/sessions/", operation_id = "auth_sessions_destroy_others", tag = "auth",
    responses((status = 204, description = "They have ended")),
)]
pub async fn destroy_others(user: CurrentUser, State(db): State<Db>) -> Result<NoContent> {
    with_password(&db, &user).await?;
    db.sessions(&user).end_others().await.map(|()| NoContent)
}
