//! The caller, as PostgreSQL gets it: every statement starts from the function `actor`, which takes one, or from `actors`,
//! which takes many.

use sqlx::PgConnection;

use super::{
    Db,
    shared::{Found, Place, SharedRead},
};
use crate::{
    auth::CurrentUser,
    error::{ApiError, Result, TokenError, Unauthenticated},
};

/// The type `caller` of the database.
#[derive(Clone, sqlx::Type)]
#[sqlx(type_name = "caller")]
pub(super) struct Caller {
    user_id: i64,
    session_id: i64,
    token_hash: Option<Vec<u8>>,
    writes: bool,
    request_id: String,
    address: String,
}

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Refusal {
    /// There is no such account.
    NoUser,
    /// It is deactivated.
    Inactive,
    /// The login is over, or the API token is none.
    NoLogin,
    /// The API token is only for reading.
    ReadOnly,
}

impl Caller {
    /// The bearer of a token.
    pub(super) fn of(user: &CurrentUser) -> Self {
        Self { request_id: user.request_id().to_owned(), address: user.address().to_string(), ..Self::reading(user) }
    }

    /// The same for a statement that changes nothing, and so need not say where the caller is.
    pub(super) fn reading(user: &CurrentUser) -> Self {
        Self {
            user_id: user.id(),
            session_id: user.session_id(),
            token_hash: user.token_hash().map(|hash| hash.to_vec()),
            writes: user.writes(),
            request_id: String::new(),
            address: String::new(),
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

    /// Who it is.
    pub(super) fn user_id(&self) -> i64 {
        self.user_id
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let reason = match refusal {
            Refusal::NoUser => Unauthenticated::UserNotFound,
            Refusal::Inactive => Unauthenticated::UserInactive,
            Refusal::NoLogin => Unauthenticated::AccessToken(TokenError::Invalid),
            Refusal::ReadOnly => return Self::Forbidden,
        };
        reason.into()
    }
}

/// The callers alone.
pub(super) struct Check;

impl SharedRead for Check {
    type Row = ();

    async fn read(connection: &mut PgConnection, callers: &[Caller], _: &[i64]) -> sqlx::Result<Vec<Found<()>>> {
        let rows = sqlx::query_as!(
            Place,
            r#"
            with actor as (select * from actors($1))
            select n as "n!", user_id as "user_id!", coalesce(is_staff, false) as "is_staff!",
                refusal as "refusal: Refusal"
            from actor
            "#,
            callers as _
        );
        let rows = rows.fetch_all(connection).await?;
        Ok(rows.into_iter().map(|place| Found { place, key: None, owner: None, row: None }).collect())
    }
}

impl Db {
    /// Checks that the account is active and that the login goes on: 401 otherwise; and that an API token allows the
    /// request: 403 otherwise.
    pub async fn check(&self, user: &CurrentUser) -> Result<()> {
        self.shared.checks.ask(user, 0, self.limit).await.map(drop)
    }

    /// Checks that the caller is staff: 403 otherwise, and 401 if there is no such caller any more.
    pub async fn check_staff(&self, user: &CurrentUser) -> Result<()> {
        let answer = self.shared.checks.ask(user, 0, self.limit).await?;
        if answer.is_staff { Ok(()) } else { Err(ApiError::Forbidden) }
    }
}
