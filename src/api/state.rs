//! What handlers work with.

use axum::extract::FromRef;

use super::endpoints::Endpoints;
use crate::{
    auth::{LoginThrottle, Passwords, Tokens},
    config::{PublicDoctors, RegistrationClosed, RequireIfMatch, RotateRefreshTokens, StaffEditDoctors},
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
    /// How many logins may fail.
    pub login_throttle: LoginThrottle,
    /// The memory that bodies share.
    pub room: Room,
    /// What is served where.
    pub endpoints: Endpoints,
    /// Whether anybody may read the directory of doctors.
    pub public_doctors: PublicDoctors,
    /// Whether only staff make accounts.
    pub registration_closed: RegistrationClosed,
    /// Whether only staff change the directory of doctors.
    pub staff_edit_doctors: StaffEditDoctors,
    /// Whether a change must say what it changes.
    pub require_if_match: RequireIfMatch,
    /// Whether a refresh token is exchanged for a new one when it is used.
    pub rotate_refresh_tokens: RotateRefreshTokens,
}
