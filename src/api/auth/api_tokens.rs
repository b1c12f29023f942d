//! `/api/auth/tokens/`: API tokens, for scripts and integrations.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    api::{
        answer::{Created, NoContent, Rows, Show, optional_timestamp, timestamp},
        caller::{caller_first, with_password},
        parameters::Format,
    },
    auth::{CurrentUser, api_token::Secret},
    db::{
        Db, Id,
        api_tokens::{ApiToken, NewApiToken},
    },
    error::Result,
    input::{self, ACCOUNT_LIMIT, Body, Input},
};

/// An API token to make.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = TokenRequest, example = json!({ "name": "Nightly report", "read_only": true }))]
pub struct ApiTokenInput {
    /// What you call it.
    #[validate(length(min = 1, max = 100))]
    name: Option<String>,
    /// Until when it is good. Left out, or null: until you end it.
    #[validate(custom(function = "input::in_the_future"))]
    #[serde(deserialize_with = "input::time")]
    expires_at: Option<Option<DateTime<Utc>>>,
    /// Whether it can only read. Default: false.
    #[serde(deserialize_with = "input::boolean")]
    read_only: Option<bool>,
}

impl Input for ApiTokenInput {
    type New = NewApiToken;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("name", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<NewApiToken> {
        Some(NewApiToken {
            name: self.name?,
            is_read_only: self.read_only.unwrap_or(false),
            expires_at: self.expires_at.flatten(),
        })
    }
}

/// An API token, without the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Token, example = json!({
    "id": 7, "name": "Nightly report", "read_only": true, "created_at": "2026-01-31T09:30:00.123456Z",
    "last_used_at": "2026-02-01T02:00:00.123456Z", "expires_at": null,
}))]
pub struct ApiTokenView<'a> {
    id: i64,
    name: &'a str,
    /// Whether it can only read.
    read_only: bool,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute. Null: never.
    #[serde(serialize_with = "optional_timestamp")]
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    /// Null: it is good until you end it.
    #[serde(serialize_with = "optional_timestamp")]
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

impl Show for ApiToken {
    fn view(&self) -> impl Serialize {
        ApiTokenView {
            id: self.id,
            name: &self.name,
            read_only: self.is_read_only,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
        }
    }
}

/// A new API token.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken, example = json!({
    "id": 7, "name": "Nightly report", "token": "hcb_AAAAAAAAAAEAAAAAAAAAB8VvW3kYv1mN0bqT4cR2sXyZ9aLpQeHuJdKfGiMwOnBt",
    "read_only": true, "created_at": "2026-01-31T09:30:00.123456Z", "expires_at": null,
}))]
pub struct NewApiTokenView {
    id: i64,
    name: String,
    /// Keep it in a safe place: it is not shown again. Send it as `Authorization: Bearer <token>`.
    token: String,
    /// Whether it can only read.
    read_only: bool,
    #[serde(serialize_with = "timestamp")]
    created_at: DateTime<Utc>,
    /// Null: it is good until you end it.
    #[serde(serialize_with = "optional_timestamp")]
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

/// List your API tokens.
#[utoipa::path(
    get, path = "/api/auth/tokens/", operation_id = "auth_tokens_list", tag = "auth",
    responses((status = 200, description = "Those that are good, the latest first", body = [ApiTokenView])),
)]
pub async fn list(user: CurrentUser, State(db): State<Db>) -> Result<Rows<ApiToken>> {
    db.api_tokens(&user).list().await.map(Rows)
}

/// Make an API token.
///
/// It is good for all of the API but accounts: it makes no other token, changes no password and ends no login but its own.
#[utoipa::path(
    post, path = "/api/auth/tokens/", operation_id = "auth_tokens_create", tag = "auth",
    params(Format), request_body = ApiTokenInput,
    responses((status = 201, description = "The token, this once", body = NewApiTokenView)),
)]
pub async fn create(
    user: CurrentUser,
    State(db): State<Db>,
    body: Body<ApiTokenInput>,
) -> Result<Created<NewApiTokenView>> {
    with_password(&db, &user).await?;
    let new = caller_first(&db, &user, body.new_value()).await?;
    let secret = Secret::random();
    let made = db.api_tokens(&user).create(&new, &secret.hash()).await?;
    Ok(Created(NewApiTokenView {
        id: made.id,
        name: made.name,
        token: secret.token(user.id(), made.id),
        read_only: made.is_read_only,
        created_at: made.created_at,
        expires_at: made.expires_at,
    }))
}

/// End an API token.
#[utoipa::path(
    delete, path = "/api/auth/tokens/{id}/", operation_id = "auth_tokens_destroy", tag = "auth", params(Id<ApiToken>),
    responses((status = 204, description = "It has ended")),
)]
pub async fn destroy(user: CurrentUser, State(db): State<Db>, id: Id<ApiToken>) -> Result<NoContent> {
    with_password(&db, &user).await?;
    db.api_tokens(&user).end(id).await.map(|()| NoContent)
}
