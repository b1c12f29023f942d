//! Why a caller is not let in, in the words of simplejwt.

use axum::http::HeaderValue;
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or its login has ended.
    #[error("Token is invalid")]
    Invalid,
    /// A refresh token whose login has ended, or that another one took the place of.
    #[error("Token is blacklisted")]
    Blacklisted,
    /// Past its `exp`.
    #[error("Token is expired")]
    Expired,
    /// An access token where a refresh token belongs, or the other way round.
    #[error("Token has wrong type")]
    WrongType,
    /// No `token_type`.
    #[error("Token has no type")]
    NoType,
    /// No `jti`.
    #[error("Token has no id")]
    NoId,
    /// No `exp`.
    #[error("Token has no 'exp' claim")]
    NoExpiry,
    /// No `user_id`.
    #[error("Token contained no recognizable user identification")]
    NoUser,
}

/// Schemes that clients of comparable services send in place of Bearer.
const OTHER_SCHEMES: [&str; 5] = ["JWT", "Token", "Basic", "Digest", "Negotiate"];

/// Why a caller is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No `Authorization` header, or one of another scheme: its name, if it is a known one.
    #[error("no credentials")]
    NoCredentials(Option<&'static str>),
    /// `Authorization: Bearer` and not exactly one word.
    #[error("bad Authorization header")]
    BadHeader,
    /// An access token that is not good.
    #[error("access token: {0}")]
    AccessToken(TokenError),
    /// A refresh token that is not good.
    #[error("refresh token: {0}")]
    RefreshToken(TokenError),
    /// The token's user is gone.
    #[error("user not found")]
    UserNotFound,
    /// The token's user may no longer log in.
    #[error("user is inactive")]
    UserInactive,
    /// A refresh token whose user is gone or inactive.
    #[error("no active account for the token")]
    NoActiveAccountForToken,
    /// Wrong password, unknown or inactive user.
    #[error("no active account")]
    NoActiveAccount,
}

/// The body of a 401.
#[derive(Serialize, ToSchema)]
pub struct UnauthenticatedBody {
    detail: String,
    /// `token_not_valid`, `bad_authorization_header`, `user_not_found` or `user_inactive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    messages: Option<Vec<TokenMessage>>,
}

/// What is wrong with a token.
#[derive(Serialize, ToSchema)]
pub struct TokenMessage {
    token_class: &'static str,
    token_type: &'static str,
    message: String,
}

impl Unauthenticated {
    /// `Authorization` has another scheme than Bearer.
    pub fn other_scheme(sent: &str) -> Self {
        Self::NoCredentials(OTHER_SCHEMES.into_iter().find(|scheme| scheme.eq_ignore_ascii_case(sent)))
    }

    /// The `WWW-Authenticate` of the 401. It names the scheme that was sent in place of Bearer, because the body may not:
    /// that is simplejwt's (RFC 6750 3).
    pub fn challenge(&self) -> HeaderValue {
        let plain = HeaderValue::from_static("Bearer realm=\"api\"");
        let Self::NoCredentials(Some(scheme)) = self else { return plain };
        let description = format!("Use the scheme Bearer, not {scheme}");
        let told = format!("Bearer realm=\"api\", error=\"invalid_request\", error_description=\"{description}\"");
        told.try_into().unwrap_or(plain)
    }

    /// The body of the 401.
    pub fn body(&self) -> UnauthenticatedBody {
        let body = |detail: &str, code| UnauthenticatedBody { detail: detail.into(), code, messages: None };
        match self {
            Self::NoCredentials(_) => body("Authentication credentials were not provided.", None),
            Self::BadHeader => {
                body("Authorization header must contain two space-delimited values", Some("bad_authorization_header"))
            }
            Self::AccessToken(error @ TokenError::NoUser) | Self::RefreshToken(error) => {
                body(&error.to_string(), Some("token_not_valid"))
            }
            Self::AccessToken(error) => UnauthenticatedBody {
                messages: Some(vec![TokenMessage {
                    token_class: "AccessToken",
                    token_type: "access",
                    message: error.to_string(),
                }]),
                ..body("Given token not valid for any token type", Some("token_not_valid"))
            },
            Self::UserNotFound => body("User not found", Some("user_not_found")),
            Self::UserInactive => body("User is inactive", Some("user_inactive")),
            Self::NoActiveAccountForToken => body("No active account found for the given token.", None),
            Self::NoActiveAccount => body("No active account found with the given credentials", None),
        }
    }
}
