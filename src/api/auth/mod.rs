//! `/api/auth/`: accounts and tokens.

pub mod login;
pub mod register;
