//! `/api/auth/token/`: new access tokens, and what simplejwt does with tokens beside that.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::login::TOKEN;
use crate::{
    api::{
        answer::{Empty, Json},
        parameters::Format,
    },
    auth::{CurrentUser, RefreshToken, TokenType, Tokens, token},
    config::RotateRefreshTokens,
    db::{Db, logins::Rotation},
    error::{ApiError, Result, TokenError, Unauthenticated, UnauthenticatedBody},
    input::{ACCOUNT_LIMIT, Body, Input},
    request::Origin,
};

/// A refresh token, to be exchanged for a new access token.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = RefreshRequest, example = json!({ "refresh": TOKEN }))]
pub struct Refresh {
    /// The refresh token that login answered.
    #[validate(length(min = 1))]
    refresh: Option<String>,
}

impl Input for Refresh {
    type New = String;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("refresh", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<String> {
        self.refresh
    }
}

/// A new access token.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "access": TOKEN }))]
pub struct AccessToken {
    access: String,
    /// A new refresh token, if the server exchanges them (`ROTATE_REFRESH_TOKENS`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh: Option<String>,
}

/// Get a new access token.
///
/// Also served as `/api/auth/refresh/`. If the answer has a new refresh token, use it from then on: the old one is good for
/// 10 more seconds, and its use after that ends the login.
#[utoipa::path(
    post, path = "/api/auth/token/refresh/", operation_id = "auth_token_refresh_create", tag = "auth", security(()),
    params(Format), request_body = Refresh,
    responses(
        (status = 200, description = "The access token", body = AccessToken),
        (status = 401, description = "The token is not a refresh token, or is no longer valid",
            body = UnauthenticatedBody,
            examples(
                ("expired" = (value = json!(Unauthenticated::RefreshToken(TokenError::Expired).body()))),
                ("ended" = (value = json!(Unauthenticated::RefreshToken(TokenError::Blacklisted).body()))),
            )),
    ),
)]
pub async fn refresh(
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    State(RotateRefreshTokens(rotates)): State<RotateRefreshTokens>,
    origin: Origin,
    body: Body<Refresh>,
) -> Result<Json<AccessToken>> {
    let token = RefreshToken::verify(&tokens, &body.new_value()?, origin)?;
    let rotation = rotates.then(|| Rotation { id: token::new_id(), expires_at: tokens.refresh_expiry() });
    let refresh_id = db.refresh(&token, rotation.as_ref()).await?;
    let (user, session) = (token.user.id(), token.user.session_id());
    Ok(Json(AccessToken {
        access: tokens.issue(TokenType::Access, user, session),
        refresh: rotates.then(|| tokens.issue_refresh(refresh_id, user, session)),
    }))
}

/// End the login of a refresh token.
///
/// All its tokens stop working at once. Logging out does the same with an access token.
#[utoipa::path(
    post, path = "/api/auth/token/blacklist/", operation_id = "auth_token_blacklist_create", tag = "auth", security(()),
    params(Format), request_body = Refresh,
    responses(
        (status = 200, description = "The login has ended", body = Empty),
        (status = 401, description = "The token is not a refresh token, or is no longer valid",
            body = UnauthenticatedBody,
            example = json!(Unauthenticated::RefreshToken(TokenError::Invalid).body())),
    ),
)]
pub async fn blacklist(
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    origin: Origin,
    body: Body<Refresh>,
) -> Result<Json<Empty>> {
    let token = RefreshToken::verify(&tokens, &body.new_value()?, origin)?;
    db.blacklist(&token).await.map(|()| Json(Empty::default()))
}

/// A token of either kind.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = VerifyRequest, example = json!({ "token": TOKEN }))]
pub struct Verify {
    /// An access or a refresh token.
    #[validate(length(min = 1))]
    token: Option<String>,
}

impl Input for Verify {
    type New = String;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("token", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<String> {
        self.token
    }
}

/// Check that a token is valid.
#[utoipa::path(
    post, path = "/api/auth/token/verify/", operation_id = "auth_token_verify_create", tag = "auth", security(()),
    params(Format), request_body = Verify,
    responses(
        (status = 200, description = "The token is valid, and its login has not ended", body = Empty),
        (status = 401, description = "It is not", body = UnauthenticatedBody,
            example = json!(Unauthenticated::RefreshToken(TokenError::Invalid).body())),
    ),
)]
pub async fn verify(
    State(db): State<Db>,
    State(tokens): State<Tokens>,
    origin: Origin,
    body: Body<Verify>,
) -> Result<Json<Empty>> {
    let token = body.new_value()?;
    let user = CurrentUser::from_any_token(&tokens, &token, origin)?;
    match db.check(&user).await {
        Err(ApiError::Unauthenticated(_)) => Err(Unauthenticated::RefreshToken(TokenError::Invalid).into()),
        checked => checked.map(|()| Json(Empty::default())),
    }
}
