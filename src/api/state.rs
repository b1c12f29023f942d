//! What handlers work with.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;

use super::endpoints::Endpoints;
use crate::{
    auth::{LoginThrottle, Passwords, Tokens},
    config::{PublicDoctors, RegistrationClosed, RequireIfMatch, RotateRefreshTokens, StaffEditDoctors},
    db::Db,
    input::Room,
};

/// What handlers work with: one pointer, because the router copies it many times for each request.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

impl From<Services> for AppState {
    fn from(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// Each of them is what a handler takes by its type: `State<Db>`.
macro_rules! services {
    ($($(#[$doc:meta])* $name:ident: $part:ty,)*) => {
        /// What the state points to.
        pub struct Services {
            $($(#[$doc])* pub $name: $part,)*
        }

        $(impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$name.clone()
            }
        })*
    };
}

services! {
    /// The database.
    db: Db,
    /// Makes and checks tokens.
    tokens: Tokens,
    /// Hashes and verifies passwords.
    passwords: Passwords,
    /// How many logins may fail.
    login_throttle: LoginThrottle,
    /// The memory that bodies share.
    room: Room,
    /// What is served where.
    endpoints: Endpoints,
    /// Whether anybody may read the directory of doctors.
    public_doctors: PublicDoctors,
    /// Whether only staff make accounts.
    registration_closed: RegistrationClosed,
    /// Whether only staff change the directory of doctors.
    staff_edit_doctors: StaffEditDoctors,
    /// Whether a change must say what it changes.
    require_if_match: RequireIfMatch,
    /// Whether a refresh token is exchanged for a new one when it is used.
    rotate_refresh_tokens: RotateRefreshTokens,
}
