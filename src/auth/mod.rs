//! Who is calling. `CurrentUser` is the only authority there is, and only the extractor here makes one.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use serde_json::{Value, json};

use crate::{
    api::Unserved,
    app::{PublicDoctors, RequestId},
    error::{ApiError, Result},
};

pub mod password;
pub mod seal;
pub mod secret_key;
pub mod token;

pub use password::Passwords;
pub use seal::Seal;
pub use token::{TokenType, Tokens};

use token::TokenFault;

/// The bearer of a valid access token. Holding one is the only way to reach owned rows.
///
/// It is what the token says: whether the account and the session still are is checked by each statement, which starts
/// from the two ids.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    id: i64,
    session: i64,
    request: RequestId,
    /// What is to be answered in place of a change, for want of a representation.
    unserved: Option<ApiError>,
}

impl CurrentUser {
    /// Checks a token: signature, expiry, type and claims.
    fn from_token(
        tokens: &Tokens,
        token: &str,
        token_type: TokenType,
        request_id: RequestId,
    ) -> Result<Self, TokenFault> {
        let (id, session) = tokens.verify(token, token_type)?;
        tracing::Span::current().record("user", id);
        Ok(Self { id, session, request: request_id, unserved: None })
    }

    /// The bearer of a refresh token.
    pub fn from_refresh_token(tokens: &Tokens, token: &str, request_id: RequestId) -> Result<Self> {
        Self::from_token(tokens, token, TokenType::Refresh, request_id)
            .map_err(|fault| Unauthenticated::RefreshToken(fault).into())
    }

    /// The user's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The id of the login that the token is of.
    pub fn session_id(&self) -> i64 {
        self.session
    }

    /// Why a change would have no answer that the caller takes, if so: asked before a change that has no body, which
    /// would say so itself.
    pub fn unserved(&self) -> Result<()> {
        self.unserved.clone().map_or(Ok(()), Err)
    }

    /// The id of the request that is being answered.
    pub fn request_id(&self) -> &str {
        self.request.as_str()
    }
}

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Tokens: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let request_id = RequestId::of(&parts.extensions);
        let token = bearer(&parts.headers)?;
        let tokens = Tokens::from_ref(state);
        let user =
            Self::from_token(&tokens, token, TokenType::Access, request_id).map_err(Unauthenticated::AccessToken)?;
        let unserved = parts.extensions.get().map(|Unserved(fault)| fault.clone());
        Ok(Self { unserved, ..user })
    }
}

/// Whoever may read the directory of doctors: a caller; or anybody, where the setting PUBLIC_DOCTORS says so. A token
/// that is sent must be good all the same.
pub struct DirectoryReader(Option<CurrentUser>);

impl DirectoryReader {
    /// The caller, if there is one.
    pub fn user(&self) -> Option<&CurrentUser> {
        self.0.as_ref()
    }

    /// The same for good.
    pub fn into_user(self) -> Option<CurrentUser> {
        self.0
    }
}

impl<S> FromRequestParts<S> for DirectoryReader
where
    S: Send + Sync,
    Tokens: FromRef<S>,
    PublicDoctors: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match CurrentUser::from_request_parts(parts, state).await {
            Ok(user) => Ok(Self(Some(user))),
            Err(ApiError::Unauthenticated(Unauthenticated::NoCredentials)) if PublicDoctors::from_ref(state).0 => {
                Ok(Self(None))
            }
            Err(refusal) => Err(refusal),
        }
    }
}

/// The token of `Authorization: Bearer <token>`. The scheme is taken in any case (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Unauthenticated> {
    let header = headers.get(AUTHORIZATION).ok_or(Unauthenticated::NoCredentials)?;
    let header = header.to_str().map_err(|_| Unauthenticated::AccessToken(TokenFault::Invalid))?;
    let mut words = header.split_ascii_whitespace();
    match words.next() {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => {}
        _ => return Err(Unauthenticated::NoCredentials),
    }
    match (words.next(), words.next()) {
        (Some(token), None) => Ok(token),
        _ => Err(Unauthenticated::BadHeader),
    }
}

/// Why a caller is not let in, in the words of simplejwt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No `Authorization` header, or one of another scheme.
    #[error("no credentials")]
    NoCredentials,
    /// `Authorization: Bearer` and not exactly one word.
    #[error("bad Authorization header")]
    BadHeader,
    /// An access token that is not good.
    #[error("access token: {0}")]
    AccessToken(TokenFault),
    /// A refresh token that is not good.
    #[error("refresh token: {0}")]
    RefreshToken(TokenFault),
    /// The token's user is no more.
    #[error("user not found")]
    UserNotFound,
    /// The token's user may not log in any more.
    #[error("user is inactive")]
    UserInactive,
    /// A refresh token whose user is gone or inactive.
    #[error("no active account for the token")]
    NoActiveAccountForToken,
    /// Wrong password, unknown or inactive user.
    #[error("no active account")]
    NoActiveAccount,
}

impl Unauthenticated {
    /// The body of the 401.
    pub fn body(&self) -> Value {
        let coded = |detail: &str, code: &str| json!({ "detail": detail, "code": code });
        match self {
            Self::NoCredentials => {
                json!({ "detail": "Authentication credentials were not provided." })
            }
            Self::BadHeader => {
                coded("Authorization header must contain two space-delimited values", "bad_authorization_header")
            }
            Self::AccessToken(TokenFault::NoUser) | Self::RefreshToken(TokenFault::NoUser) => {
                coded("Token contained no recognizable user identification", "token_not_valid")
            }
            Self::AccessToken(fault) => json!({
                "detail": "Given token not valid for any token type",
                "code": "token_not_valid",
                "messages": [
                    { "token_class": "AccessToken", "token_type": "access", "message": fault.to_string() },
                ],
            }),
            Self::RefreshToken(fault) => coded(&fault.to_string(), "token_not_valid"),
            Self::UserNotFound => coded("User not found", "user_not_found"),
            Self::UserInactive => coded("User is inactive", "user_inactive"),
            Self::NoActiveAccountForToken => {
                json!({ "detail": "No active account found for the given token." })
            }
            Self::NoActiveAccount => {
                json!({ "detail": "No active account found with the given credentials" })
            }
        }
    }
}
