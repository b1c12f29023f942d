//! `/api/auth/`.
