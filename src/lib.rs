//! Patients, doctors and who treats whom: a REST API over PostgreSQL, in place of a Django REST Framework service.
//!
//! # The life of a request
//!
//! `server` accepts the connection and reads the head of the request. The layers of `app` give it an id, take its path to
//! the documented one, and hand it to the handler that `api::routes` lists. There the extractors run:
//! [`auth::CurrentUser`] checks the token, [`db::Id`] the number in the path, and [`input::Body`] reads the body.
//!
//! The handler says the order of things, from top to bottom: the caller's 401, the row's 404, the body's 400, the
//! precondition's 412. It turns the body into plain values, such as [`db::patients::NewPatient`], and hands them down to
//! `db`: one statement that starts from the caller, so that it finds nothing for anybody else, and that names the caller to
//! the audit trigger. The row comes up, `db` records which patient the caller is shown, and it leaves as a view, such as
//! [`api::patients::PatientView`]; an error leaves as an [`error::ApiError`], in the words of Django REST framework. Values go
//! down, errors come up.
//!
//! # The map
//!
//! For someone from Django: models and managers are in `db`, serializers, views and URLs in `api`, one file a resource.
//! A room imports only from the rooms below it in this list; a test holds that.
//!
//! | room | what it is |
//! |---|---|
//! | `cli` | the commands |
//! | `server` | connections, with a limit on everything that a client can drag out |
//! | `app` | the layers around the handlers |
//! | `admin` | the pages where staff work, all HTML |
//! | `api` | all JSON over HTTP |
//! | `health` | whether the server lives and is ready, and what it measures |
//! | `accounts` | making an account: for registration and for the command line |
//! | `db` | all SQL |
//! | `auth` | who is calling; tokens and passwords |
//! | `input` | bodies: parsed, validated, every error reported |
//! | `error` | every error, as the client sees it |
//! | `config` | the settings |
//! | `request` | the id of a request, its client's address, what it accepts |
//! | `metrics` | how metrics are made and shown |
//!
//! Reads by key that wait together share a statement (`db::shared`), each scoped by its own caller; every other statement has
//! a connection to itself.
//!
//! Two walls hold the house up. SQL is in `db`, where the pool is private. And authority is a value, not an id: only the
//! extractor makes a `CurrentUser`, and owned rows are reached through it alone. Everybody's rows are reached through a
//! `Staff` alone, which only its extractor makes. Only `cli` makes an `Operator`, who may change any account.

pub mod accounts;
pub mod admin;
pub mod api;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod db;
pub mod error;
pub mod health;
pub mod input;
pub mod metrics;
pub mod request;
pub mod server;
