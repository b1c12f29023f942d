//! Who is calling. `CurrentUser` is the authority of the API, `Staff` that of the admin, and only the extractors here make
//! them; an `Operator` is the one at the command line.

use std::net::IpAddr;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};

use crate::{
    error::{ApiError, Result, TokenError, Unauthenticated},
    request::Origin,
};

pub mod api_token;
mod argon;
pub mod hashes;
mod hs256;
pub mod login_throttle;
pub mod operator;
pub mod password;
pub mod rights;
pub mod seal;
pub mod secret_key;
pub mod staff;
pub mod token;
mod turns;

use api_token::{ApiToken, TokenHash};
pub use login_throttle::{Attempt, LoginThrottle, Via};
pub use operator::Operator;
pub use password::Passwords;
pub use rights::{DirectoryEditor, DirectoryReader, Registrar};
pub use seal::Seal;
pub use staff::Staff;
pub use token::{TokenType, Tokens};

/// The bearer of a valid access token or of an API token. Holding one is the only way to reach owned rows.
///
/// It holds what the token says. Each statement starts from that, and so checks that the account is active, that the login
/// goes on, and that an API token is the one that was made and allows the request.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    id: i64,
    session: i64,
    /// None: the server signed the token.
    token_hash: Option<TokenHash>,
    /// The request is one that may change something.
    writes: bool,
    origin: Origin,
}

/// The bearer of a refresh token.
pub struct RefreshToken {
    pub user: CurrentUser,
    /// The token's own id, `jti`.
    pub id: String,
}

impl RefreshToken {
    /// Checks a refresh token: signature, expiry, type and claims.
    pub fn verify(tokens: &Tokens, token: &str, origin: Origin) -> Result<Self> {
        let (user, id) = CurrentUser::from_token(tokens, token, TokenType::Refresh, origin)
            .map_err(Unauthenticated::RefreshToken)?;
        Ok(Self { user, id })
    }
}

impl CurrentUser {
    /// Checks a token that the server signed. Also returns the token's own id.
    fn from_token(
        tokens: &Tokens,
        token: &str,
        token_type: TokenType,
        origin: Origin,
    ) -> Result<(Self, String), TokenError> {
        let verified = tokens.verify(token, token_type)?;
        let user = Self { id: verified.user_id, session: verified.session_id, token_hash: None, writes: true, origin };
        user.is_known();
        Ok((user, verified.id))
    }

    /// The bearer of a token of either type. The error is a refresh token's, as simplejwt has it.
    pub fn from_any_token(tokens: &Tokens, token: &str, origin: Origin) -> Result<Self> {
        match Self::from_token(tokens, token, TokenType::Access, origin.clone()) {
            Ok((user, _)) => Ok(user),
            Err(_) => Ok(RefreshToken::verify(tokens, token, origin)?.user),
        }
    }

    fn is_known(&self) {
        tracing::Span::current().record("user", self.id);
    }

    /// The user's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The id of the login that the token is of.
    pub fn session_id(&self) -> i64 {
        self.session
    }

    /// The hash of the API token, if it is one.
    pub fn token_hash(&self) -> Option<&TokenHash> {
        self.token_hash.as_ref()
    }

    /// Whether the request is one that may change something.
    pub fn writes(&self) -> bool {
        self.writes
    }

    /// The id of the request that is being answered.
    pub fn request_id(&self) -> &str {
        self.origin.id.as_str()
    }

    /// Which request it is, and where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The address of the client.
    pub fn address(&self) -> IpAddr {
        self.origin.address
    }
}

impl<S> FromRequestParts<S> for CurrentUser
where
    S: Send + Sync,
    Tokens: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Ok(origin) = Origin::from_request_parts(parts, state).await;
        let token = bearer(&parts.headers)?;
        let writes = !parts.method.is_safe();
        let user = if token.starts_with(api_token::PREFIX) {
            let ApiToken { user_id, session_id, hash } =
                ApiToken::read(token).ok_or(Unauthenticated::AccessToken(TokenError::Invalid))?;
            let user = Self { id: user_id, session: session_id, token_hash: Some(hash), writes, origin };
            user.is_known();
            user
        } else {
            let user = Self::from_token(&Tokens::from_ref(state), token, TokenType::Access, origin);
            Self { writes, ..user.map_err(Unauthenticated::AccessToken)?.0 }
        };
        Ok(user)
    }
}

/// The token of `Authorization: Bearer <token>`, or of `Token <token>` if it is an API token, as Django REST framework has
/// it. The scheme may be in any case of letters (RFC 9110 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Unauthenticated> {
    let header = headers.get(AUTHORIZATION).ok_or(Unauthenticated::NoCredentials(None))?;
    let header = header.to_str().map_err(|_| Unauthenticated::AccessToken(TokenError::Invalid))?;
    let words: Vec<&str> = header.split_ascii_whitespace().collect();
    let scheme = words.first().copied().unwrap_or_default();
    match words[..] {
        [_, token] if scheme.eq_ignore_ascii_case("token") && token.starts_with(api_token::PREFIX) => Ok(token),
        _ if !scheme.eq_ignore_ascii_case("bearer") => Err(Unauthenticated::other_scheme(scheme)),
        [_, token] => Ok(token),
        _ => Err(Unauthenticated::BadHeader),
    }
}
