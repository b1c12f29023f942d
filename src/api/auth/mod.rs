//! `/api/auth/`: accounts and tokens.

pub mod login;
pub mod me;
pub mod register;
