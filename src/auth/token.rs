//! JSON Web Tokens as simplejwt makes them (HS256; `token_type`, `exp`, `iat`, `jti`, `user_id`), and `sid`, the login.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode, errors::ErrorKind,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Seal, hs256};
use crate::error::TokenError;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// For every request.
    Access,
    /// For new access tokens.
    Refresh,
}

impl TokenType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

struct Keys {
    signing: EncodingKey,
    verifying: Vec<DecodingKey>,
    validation: Validation,
    seal: Seal,
    access_lifetime: Duration,
    refresh_lifetime: Duration,
}

#[derive(Serialize)]
struct Claims {
    token_type: &'static str,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: String,
    sid: String,
}

/// The claims of a token that we signed. An older release, or the service that this one replaces, may have left out some
/// or given them another type.
#[derive(Deserialize)]
struct ReceivedClaims {
    token_type: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    jti: Option<Value>,
    user_id: Option<Value>,
    sid: Option<Value>,
}

/// What a good token says. A number that is none becomes 0, which no user and no login has.
pub struct Verified {
    /// Its own id, `jti`.
    pub id: String,
    pub user_id: i64,
    pub session_id: i64,
}

/// A new id for a token.
pub fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Tokens {
    /// Signs with `secret_key`; verifies with it and with each of the `fallbacks`, so that a key can be changed.
    pub fn new(secret_key: &str, fallbacks: &[String], access_lifetime: Duration, refresh_lifetime: Duration) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        // simplejwt ignores `aud`; the required claims are checked below, in its order
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let keys = std::iter::once(secret_key).chain(fallbacks.iter().map(String::as_str));
        Self(Arc::new(Keys {
            signing: EncodingKey::from_secret(secret_key.as_bytes()),
            verifying: keys.map(|key| DecodingKey::from_secret(key.as_bytes())).collect(),
            validation,
            seal: Seal::new(secret_key),
            access_lifetime,
            refresh_lifetime,
        }))
    }

    /// When a refresh token that is made now, and so its login, ends.
    pub fn refresh_expiry(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::from_std(self.0.refresh_lifetime).unwrap_or(TimeDelta::MAX)
    }

    /// Encrypts cursors with the secret key.
    pub fn seal(&self) -> &Seal {
        &self.0.seal
    }

    /// A new token for a login.
    pub fn issue(&self, token_type: TokenType, user_id: i64, session_id: i64) -> String {
        self.issue_as(new_id(), token_type, user_id, session_id)
    }

    /// The refresh token of a login that has this id.
    pub fn issue_refresh(&self, id: String, user_id: i64, session_id: i64) -> String {
        self.issue_as(id, TokenType::Refresh, user_id, session_id)
    }

    fn issue_as(&self, jti: String, token_type: TokenType, user_id: i64, session_id: i64) -> String {
        let lifetime = match token_type {
            TokenType::Access => self.0.access_lifetime,
            TokenType::Refresh => self.0.refresh_lifetime,
        };
        let iat = Utc::now().timestamp();
        let claims = Claims {
            token_type: token_type.as_str(),
            exp: iat.saturating_add_unsigned(lifetime.as_secs()),
            iat,
            jti,
            user_id: user_id.to_string(),
            sid: session_id.to_string(),
        };
        encode(&Header::default(), &claims, &self.0.signing).expect("HS256 signs any claims")
    }

    /// What a token is for.
    pub fn verify(&self, token: &str, expected: TokenType) -> Result<Verified, TokenError> {
        let claims = self.decode(token)?;
        match claims.exp {
            None => return Err(TokenError::NoExpiry),
            Some(exp) if !exp.is_number() => return Err(TokenError::Invalid),
            Some(_) => {}
        }
        let id = claims.jti.ok_or(TokenError::NoId)?;
        match claims.token_type {
            None => return Err(TokenError::NoType),
            Some(token_type) if token_type != expected.as_str() => {
                return Err(TokenError::WrongType);
            }
            Some(_) => {}
        }
        let user_id = claims.user_id.ok_or(TokenError::NoUser)?;
        if claims.iat.is_none() {
            return Err(TokenError::Invalid);
        }
        let session_id = claims.sid.ok_or(TokenError::Invalid)?;
        Ok(Verified {
            id: id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned),
            user_id: number(&user_id),
            session_id: number(&session_id),
        })
    }

    fn decode(&self, token: &str) -> Result<ReceivedClaims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Invalid)?;
        // our tokens name no key and no extension, so another server's are not ours (RFC 7515 4.1.11)
        if header != (Header { typ: header.typ.clone(), ..Header::default() }) {
            return Err(TokenError::Invalid);
        }
        let mut reason = TokenError::Invalid;
        for key in &self.0.verifying {
            match decode::<ReceivedClaims>(token, key, &self.0.validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                    reason = TokenError::Expired;
                }
                Err(_) => {}
            }
        }
        Err(reason)
    }
}

/// simplejwt writes ids as strings since 5.5, and as numbers before.
fn number(claim: &Value) -> i64 {
    claim.as_i64().or_else(|| claim.as_str()?.parse().ok()).unwrap_or(0)
}
