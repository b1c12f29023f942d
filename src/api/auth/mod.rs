//! `/api/auth/`: accounts, tokens and logins.

pub mod api_tokens;
pub mod deletion;
pub mod export;
pub mod kept;
pub mod login;
pub mod me;
mod own_password;
pub mod password;
pub mod register;
pub mod sessions;
pub mod tokens;
