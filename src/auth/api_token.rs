//! API tokens: logins of scripts and integrations, which last longer than an access token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

/// What every API token begins with, so that people and programs that look for secrets know one when they see it.
pub const PREFIX: &str = "hcb_";

/// A SHA-256 of the secret part of an API token: all that is kept of it.
pub type TokenHash = [u8; 32];

/// The secret part of a new API token: 256 random bits.
pub struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }

    /// The token: whose it is, and the secret.
    pub fn token(&self, user_id: i64, session_id: i64) -> String {
        let content = [&user_id.to_be_bytes()[..], &session_id.to_be_bytes(), &self.0].concat();
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(content))
    }
}

/// What an API token says. Only the database knows whether it is true.
pub(super) struct ApiToken {
    pub(super) user_id: i64,
    pub(super) session_id: i64,
    pub(super) hash: TokenHash,
}

impl ApiToken {
    /// Reads a token. None: it is none of ours.
    pub(super) fn read(token: &str) -> Option<Self> {
        let content = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (user_id, rest) = content.split_first_chunk()?;
        let (session_id, secret) = rest.split_first_chunk()?;
        let secret: &[u8; 32] = secret.try_into().ok()?;
        Some(Self {
            user_id: i64::from_be_bytes(*user_id),
            session_id: i64::from_be_bytes(*session_id),
            hash: hash(secret),
        })
    }
}

fn hash(secret: &[u8; 32]) -> TokenHash {
    digest(&SHA256, secret).as_ref().try_into().expect("a SHA-256 has 32 bytes")
}
