//! The API as its clients meet it: over HTTP, on a real PostgreSQL.

#![expect(unreachable_pub, reason = "pub says what a module of tests offers to the others")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test that panics has failed, and json! reads best as an argument"
)]

mod support;

mod accounts;
mod admin;
mod api_tokens;
mod attacks_body;
mod attacks_database;
mod attacks_process;
mod attacks_room;
mod audit;
mod audit_export;
mod authorization;
mod backup;
mod bodies;
mod check;
mod checks;
mod conditional;
mod config;
mod connections;
mod contract;
mod cors;
mod createuser;
mod doctors;
mod embedded;
mod events;
mod failed_logins;
mod forms;
mod hashes;
mod health;
mod history;
mod http;
mod idempotency;
mod import_django;
mod input;
mod leaving;
mod lists;
mod login;
mod logs;
mod mappings;
mod metrics;
mod negotiation;
mod openapi;
mod operator;
mod overload;
mod passwords;
mod patients;
mod pgbouncer;
mod plans;
mod proxies;
mod queries;
mod readmes;
mod reads;
mod refresh;
mod register;
mod rights;
mod rolling;
mod rooms;
mod schema;
mod sessions;
mod settings;
mod shared;
mod start;
mod streams;
mod throttles;
mod tokens;
