//! What handlers work with.

use axum::extract::FromRef;

use super::endpoints::Endpoints;
use crate::{
    auth::{Passwords, Tokens},
    config::{PublicDoctors, RequireIfMatch, RotateRefreshTokens},
    db::Db,
    input::Room,
};

/// What handlers work with.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Makes and checks tokens.
    pub tokens: Tokens,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// The memory that bodies share.
    pub room: Room,
    /// What is served where.
    pub endpoints: Endpoints,
    /// Whether anybody may read the directory of doctors.
    pub public_doctors: PublicDoctors,
    /// Whether a change must say what it changes.
    pub require_if_match: RequireIfMatch,
    /// Whether a refresh token is exchanged for a new one when it is used.
    pub rotate_refresh_tokens: RotateRefreshTokens,
}
