//! What tests are written in: an application on a database of its own, and clients that act as somebody.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use healthcare_backend::{
    app::app,
    auth::{Passwords, TokenType, Tokens},
    config::{Exposure, ReadAudit},
    db::Db,
    server,
};
use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{net::TcpListener, sync::oneshot};

mod bodies;
pub mod cases;
pub mod database;
pub mod lists;
pub mod messages;
pub mod program;
pub mod statements;

pub use bodies::{alice_smith, emily_carter, fields, john_doe, with, without_times};
use database::TestDatabase;
pub use messages::{bad_token, detail};

pub const SECRET_KEY: &str = "the secret key of the tests, which is long enough";
pub const FALLBACK_KEY: &str = "the secret key that the tests had before this one";
/// The caller of a statement, in SQL: the first user, with the first login, who reads.
pub const FIRST_CALLER: &str = "row(1, 1, null, false, 'x', '127.0.0.1')::caller";
/// README B's.
pub const PASSWORD: &str = "StrongPass123";

pub const REGISTER: &str = "/api/auth/register/";
pub const LOGIN: &str = "/api/auth/login/";
pub const REFRESH: &str = "/api/auth/token/refresh/";
pub const API_TOKENS: &str = "/api/auth/tokens/";
pub const ME: &str = "/api/auth/me/";
pub const PATIENTS: &str = "/api/patients/";
pub const DOCTORS: &str = "/api/doctors/";
pub const MAPPINGS: &str = "/api/mappings/";

/// The whole application behind a socket, as clients meet it.
pub struct TestApp {
    pub address: SocketAddr,
    pub tokens: Tokens,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    // dropped last
    pub database: Arc<TestDatabase>,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(Exposure::default()).await
    }

    pub async fn with(exposure: Exposure) -> Self {
        Self::on(Arc::new(TestDatabase::new()), exposure, ReadAudit::default()).await
    }

    /// One that records reads in this way.
    pub async fn auditing(audit: ReadAudit) -> Self {
        Self::on(Arc::new(TestDatabase::new()), Exposure::default(), audit).await
    }

    /// Another server on the same database.
    pub async fn beside(&self, exposure: Exposure) -> Self {
        Self::on(self.database.clone(), exposure, ReadAudit::default()).await
    }

    async fn on(database: Arc<TestDatabase>, exposure: Exposure, audit: ReadAudit) -> Self {
        let db = Db::auditing(database.options.clone(), 8, audit);
        let lifetimes = (Duration::from_mins(15), Duration::from_hours(24));
        let tokens = Tokens::new(SECRET_KEY, &[FALLBACK_KEY.into()], lifetimes.0, lifetimes.1);
        let app = app(db, tokens.clone(), Passwords::default(), &exposure);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(server::serve(listener, app, 4096, async {
            let _ = stopped.await;
        }));
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { address, tokens, http, stop: Some(stop), database }
    }

    /// Somebody without a token.
    pub fn anonymous(&self) -> Client {
        Client { http: self.http.clone(), base: format!("http://{}", self.address), token: None }
    }

    /// Somebody who has registered and logged in.
    pub async fn user(&self, name: &str) -> Client {
        self.anonymous().registered(name).await
    }

    /// A client with any token at all.
    pub fn bearer(&self, token: &str) -> Client {
        Client { token: Some(token.into()), ..self.anonymous() }
    }

    /// A client with a new API token of this user.
    pub async fn script(&self, user: &Client, is_read_only: bool) -> Client {
        let token = json!({ "name": "Script", "read_only": is_read_only });
        let made = user.post(API_TOKENS, token).await.is(201).body;
        self.bearer(made["token"].as_str().unwrap())
    }

    /// A token of a user and a login that need not exist.
    pub fn token(&self, user_id: i64, session_id: i64) -> String {
        self.tokens.issue(TokenType::Access, user_id, session_id)
    }

    pub async fn connection(&self) -> PgConnection {
        self.database.connect().await
    }

    /// Runs statements behind the server's back, as the system.
    pub async fn sql(&self, sql: &str) {
        let mut connection = self.connection().await;
        let sql = format!("begin; select act_as(0, 'system', 'system', 'test'); {sql}; commit");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The one value that a query gives, as JSON.
    pub async fn value(&self, query: &str) -> Value {
        let mut connection = self.connection().await;
        let sql = AssertSqlSafe(format!("select to_jsonb(({query}))::text"));
        let text: Option<String> = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

impl Client {
    /// Somebody without a token, at a server elsewhere.
    pub fn at(base: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { http, base: base.into(), token: None }
    }

    /// The same somebody, at a server elsewhere.
    pub fn moved_to(self, base: &str) -> Self {
        Self { base: base.into(), ..self }
    }

    /// Registers and logs in.
    pub async fn registered(self, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let registration = json!({ "name": name, "email": email, "password": PASSWORD });
        self.post(REGISTER, registration).await.is(201);
        self.logged_in(&email).await
    }

    /// Logs in.
    pub async fn logged_in(self, email: &str) -> Self {
        let credentials = json!({ "email": email, "password": PASSWORD });
        let reply = self.post(LOGIN, credentials).await.is(200);
        let token = reply.body["access"].as_str().unwrap().to_owned();
        Self { token: Some(token), ..self }
    }
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path).await
    }

    pub async fn send(&self, method: &str, path: &str) -> Reply {
        Reply::of(self.request(method, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.json("PUT", path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.json("PATCH", path, body).await
    }

    pub async fn json(&self, method: &str, path: &str, body: Value) -> Reply {
        Reply::of(self.request(method, path).json(&body)).await
    }

    /// A body as it is, with its content type.
    pub async fn raw(&self, method: &str, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        let mut request = self.request(method, path).body(body.into());
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        Reply::of(request).await
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Reply {
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Self { status, headers, text, body }
    }

    /// Asserts the status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Asserts the status and the whole body.
    #[track_caller]
    pub fn says(self, status: u16, body: Value) -> Self {
        assert_eq!((self.status.as_u16(), &self.body), (status, &body), "{}", self.text);
        self
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The list of entry points.
pub fn endpoints(app: &TestApp) -> Value {
    let at = |path: &str| format!("http://{}{path}", app.address);
    json!({
        "register": at(REGISTER),
        "login": at(LOGIN),
        "token_refresh": at(REFRESH),
        "patients": at(PATIENTS),
        "doctors": at(DOCTORS),
        "mappings": at(MAPPINGS),
        "me": at(ME),
        "docs": at("/api/docs/"),
        "openapi": at("/api/openapi.json"),
    })
}
