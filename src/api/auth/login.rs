//! `/api/auth/login/`: tokens for credentials.

use axum::{
    extract::State,
    http::{HeaderMap, header::USER_AGENT},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::{
    api::{answer::Json, parameters::Format},
    auth::{Attempt, LoginThrottle, Passwords, TokenType, Tokens, token},
    db::{Db, logins::NewLogin, users::Credentials as Account},
    error::{ApiError, Result, Unauthenticated, UnauthenticatedBody},
    input::{self, ACCOUNT_LIMIT, Body, Input},
    request::Origin,
};

/// A token, for the document.
pub(super) const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.PcmVZdvNqVBeTjnpqZgWgS2QwdTf8pKr8Uml0MkzQh8";

/// Credentials: `email` or `username`, and `password`.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(default)]
#[schema(as = LoginRequest, example = json!({ "email": "alice@example.com", "password": "StrongPass123" }))]
pub struct Login {
    /// The e-mail address, in any case of letters.
    #[validate(length(min = 1))]
    email: Option<String>,
    /// The username or the e-mail address, in any case of letters.
    #[validate(length(min = 1))]
    username: Option<String>,
    #[validate(length(min = 1))]
    #[serde(deserialize_with = "input::password")]
    password: Option<String>,
}

impl Input for Login {
    type New = Credentials;

    const REQUIRED: &'static [(&'static str, &'static [&'static str])] = &[("email", &["username"]), ("password", &[])];
    const LIMIT: usize = ACCOUNT_LIMIT;

    fn into_new(self) -> Option<Credentials> {
        Some(Credentials { login: self.email.or(self.username)?, password: self.password? })
    }
}

/// What somebody logs in with.
pub struct Credentials {
    /// The e-mail or the username.
    pub login: String,
    pub password: String,
}

/// The tokens of a login.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "refresh": TOKEN, "access": TOKEN }))]
pub struct TokenPair {
    /// Good only for new access tokens.
    refresh: String,
    /// Send it as `Authorization: Bearer <access>`.
    access: String,
}

/// Log in.
#[utoipa::path(
    post, path = "/api/auth/login/", operation_id = "auth_login_create", tag = "auth", security(()),
    params(Format), request_body = Login,
    responses(
        (status = 200, description = "The tokens", body = TokenPair),
        (status = 401, description = "The password is wrong, or there is no such active account. The answer is the same for both",
            body = UnauthenticatedBody,
            example = json!(Unauthenticated::NoActiveAccount.body())),
    ),
)]
pub async fn login(
    State(db): State<Db>,
    State(passwords): State<Passwords>,
    State(tokens): State<Tokens>,
    State(throttle): State<LoginThrottle>,
    origin: Origin,
    headers: HeaderMap,
    body: Body<Login>,
) -> Result<Json<TokenPair>> {
    let credentials = body.new_value()?;
    let attempt = throttle.attempt(origin.address, &credentials.login);
    let account = account(&db, &passwords, &credentials, &attempt, &origin, |_| true).await?;
    let refresh_id = token::new_id();
    let new = NewLogin {
        user_id: account.user_id,
        password_hash: &account.password_hash,
        refresh_id: &refresh_id,
        expires_at: tokens.refresh_expiry(),
        user_agent: &user_agent(&headers),
    };
    let Some(session) = db.begin_session(&new, &attempt, &origin).await? else {
        return Err(refused(&db, Some(account.user_id), &attempt, &origin).await);
    };
    let access = tokens.issue(TokenType::Access, account.user_id, session);
    Ok(Json(TokenPair { refresh: tokens.issue_refresh(refresh_id, account.user_id, session), access }))
}

/// The active account that the credentials are of, with a hash of ours if it had one that Django made. Where only some accounts
/// are let in, any other fails as an account that does not exist does, and takes as long.
pub async fn account(
    db: &Db,
    passwords: &Passwords,
    credentials: &Credentials,
    attempt: &Attempt,
    origin: &Origin,
    is_let_in: fn(&Account) -> bool,
) -> Result<Account> {
    let account = verified(db, passwords, credentials, attempt, origin, is_let_in).await?;
    renewed(db, passwords, credentials, account, origin).await
}

/// The active account that the credentials are of.
async fn verified(
    db: &Db,
    passwords: &Passwords,
    credentials: &Credentials,
    attempt: &Attempt,
    origin: &Origin,
    is_let_in: fn(&Account) -> bool,
) -> Result<Account> {
    passwords.admit()?;
    let account = db.credentials(&credentials.login, attempt, origin).await?;
    let user_id = account.as_ref().map(|account| account.user_id);
    let account = account.filter(|account| account.is_active && is_let_in(account));
    let stored = account.as_ref().map(|account| account.password_hash.clone());
    let is_verified = passwords.verify(credentials.password.clone(), stored).await?;
    match account.filter(|_| is_verified) {
        Some(account) => Ok(account),
        None => Err(refused(db, user_id, attempt, origin).await),
    }
}

/// The error of a login that failed. It counts, and it is written down whose account it was, if anybody's.
pub async fn refused(db: &Db, user_id: Option<i64>, attempt: &Attempt, origin: &Origin) -> ApiError {
    let counted = db.record_failed_login(user_id, attempt, origin).await;
    counted.err().unwrap_or_else(|| Unauthenticated::NoActiveAccount.into())
}

/// The same account, with a hash of ours if it had one that Django made.
async fn renewed(
    db: &Db,
    passwords: &Passwords,
    credentials: &Credentials,
    account: Account,
    origin: &Origin,
) -> Result<Account> {
    let Some(hash) = passwords.renew(credentials.password.clone(), &account.password_hash).await? else {
        return Ok(account);
    };
    if db.renew_hash(account.user_id, &account.password_hash, &hash, origin).await? {
        return Ok(Account { password_hash: hash, ..account });
    }
    // another login of the account was faster
    verified(db, passwords, credentials, &Attempt::default(), origin, |_| true).await
}

/// The `User-Agent` header, as far as it is kept.
pub fn user_agent(headers: &HeaderMap) -> String {
    let header = headers.get(USER_AGENT).and_then(|header| header.to_str().ok());
    header.unwrap_or_default().chars().take(200).collect()
}
