//! Patients, doctors and who treats whom: a REST API over PostgreSQL, in place of a Django REST Framework service.
//!
//! # The life of a request
//!
//! `server` accepts the connection and reads the head of the request. `app` gives it an id, takes its path to the one
//! that is documented, and hands it to the handler that `api::routes` lists. There the extractors run:
//! [`auth::CurrentUser`] checks the token, [`db::Id`] the number in the path, and [`input::Body`] parses the body,
//! keeping its faults for later. The handler, a line or two, asks `db` for the caller's own rows: one statement that
//! starts from the caller, so that it finds nothing for anybody else, and that names the caller to the audit trigger.
//! What comes back leaves as JSON; what is refused leaves as an [`error::ApiError`], in the words of Django REST
//! framework.
//!
//! # The map
//!
//! For someone from Django: models and managers are in `db`, serializers, views and URLs in `api`, one file a resource.
//!
//! Two walls hold the house up. SQL is in `db`, where the pool is private. And authority is a value, not an id: only
//! the extractor makes a `CurrentUser`, and owned rows are reached through it alone.

pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod error;
pub mod input;
pub mod server;
