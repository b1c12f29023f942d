//! The caller, as PostgreSQL gets it: every statement starts from the function `actor`, which takes one.

use crate::auth::CurrentUser;

/// The type `caller` of the database.
#[derive(sqlx::Type)]
#[sqlx(type_name = "caller")]
pub(super) struct Caller {
    user_id: i64,
    session_id: i64,
    token_hash: Option<Vec<u8>>,
    writes: bool,
    request_id: String,
    address: String,
}

impl Caller {
    /// The bearer of a token.
    pub(super) fn of(user: &CurrentUser) -> Self {
        Self {
            user_id: user.id(),
            session_id: user.session_id(),
            token_hash: user.token_hash().map(|hash| hash.to_vec()),
            writes: user.writes(),
            request_id: user.request_id().to_owned(),
            address: user.address().to_string(),
        }
    }

    /// Nobody: no user has this number.
    pub(super) fn nobody() -> Self {
        Self {
            user_id: 0,
            session_id: 0,
            token_hash: None,
            writes: false,
            request_id: String::new(),
            address: String::new(),
        }
    }
}
