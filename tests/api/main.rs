//! The API as its clients meet it: over HTTP, on a real PostgreSQL.

#![expect(
    unreachable_pub,
    reason = "pub says what a module of tests offers to the others"
)]

mod support;

mod auth;
mod authorization;
mod http;
mod patients;
mod schema;
