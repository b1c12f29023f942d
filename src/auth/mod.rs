//! Who is calling. `CurrentUser` is the only authority there is, and only the extractor here makes one.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};

use crate::{
    config::PublicDoctors,
    error::{ApiError, Result, TokenError, Unauthenticated},
    request::RequestId,
};

pub mod password;
pub mod seal;
pub mod secret_key;
pub mod token;

pub use password::Passwords;
pub use seal::Seal;
pub use token::{TokenType, Tokens};

/// The bearer of a valid access token. Holding one is the only way to reach owned rows.
///
/// It holds what the token says. Each statement starts from the two ids, and so checks that the account is active and
/// that the login goes on.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    id: i64,
    session: i64,
    request: RequestId,
}

impl CurrentUser {
    /// Checks a token: signature, expiry, type and claims.
    fn from_token(tokens: &Tokens, token: &str, token_type: TokenType, request: RequestId) -> Result<Self, TokenError> {
        let (id, session) = tokens.verify(token, token_type)?;
        tracing::Span::current().record("user", id);
        Ok(Self { id, session, request })
    }

    /// The bearer of a refresh token.
    pub fn from_refresh_token(tokens: &Tokens, token: &str, request: RequestId) -> Result<Self> {
        Self::from_token(tokens, token, TokenType::Refresh, request)
            .map_err(|error| Unauthenticated::RefreshToken(error).into())
    }

    /// The bearer of a token of either type. The error is a refresh token's, as simplejwt has it.
    pub fn from_any_token(tokens: &Tokens, token: &str, request: RequestId) -> Result<Self> {
        Self::from_token(tokens, token, TokenType::Access, request.clone())
            .or_else(|_| Self::from_refresh_token(tokens, token, request))
    }

    /// The user's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The id of the login that the token is of.
    pub fn session_id(&self) -> i64 {
        self.session
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
        let token = bearer(&parts.headers)?;
        let request = RequestId::of(&parts.extensions);
        let user = Self::from_token(&Tokens::from_ref(state), token, TokenType::Access, request);
        Ok(user.map_err(Unauthenticated::AccessToken)?)
    }
}

/// Who may read the directory of doctors: a caller, or anybody if the setting PUBLIC_DOCTORS is true. A token that is sent
/// must be valid in both cases.
pub struct DirectoryReader(Option<CurrentUser>);

impl DirectoryReader {
    /// The caller, if there is one.
    pub fn user(&self) -> Option<&CurrentUser> {
        self.0.as_ref()
    }

    /// The caller, taken out.
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
            Err(ApiError::Unauthenticated(Unauthenticated::NoCredentials(_))) if PublicDoctors::from_ref(state).0 => {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }
}

/// The token of `Authorization: Bearer <token>`. The scheme may be in any case of letters (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Unauthenticated> {
    let header = headers.get(AUTHORIZATION).ok_or(Unauthenticated::NoCredentials(None))?;
    let header = header.to_str().map_err(|_| Unauthenticated::AccessToken(TokenError::Invalid))?;
    let mut words = header.split_ascii_whitespace();
    match words.next() {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer") => {}
        scheme => return Err(Unauthenticated::other_scheme(scheme.unwrap_or_default())),
    }
    match (words.next(), words.next()) {
        (Some(token), None) => Ok(token),
        _ => Err(Unauthenticated::BadHeader),
    }
}
