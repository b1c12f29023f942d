//! What every answer has in common, and what is served where.

use std::time::Duration;

use healthcare_backend::config::Exposure;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    Client, LOGIN, PATIENTS, TestApp,
    cases::{Case, all_hold, case},
    detail, endpoints, john_doe,
    messages::{NO_TOKEN, NOT_FOUND, not_allowed},
};

const LIST: &str = "GET, POST, HEAD, OPTIONS";
const DETAIL: &str = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";

#[tokio::test]
async fn every_answer_says_what_is_allowed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    let row = |method: &str, path: &str, status: u16, allow: &'static str| {
        let row = case("allowed", &alice, method, path).with_header("allow", allow);
        match (method, status) {
            ("HEAD", _) => row.writes(status, ""),
            (_, 405) => row.says(status, not_allowed(method)),
            _ => row.is(status),
        }
    };
    all_hold([
        row("GET", PATIENTS, 200, LIST),
        row("HEAD", PATIENTS, 200, LIST),
        row("POST", PATIENTS, 400, LIST),
        row("PUT", PATIENTS, 405, LIST),
        row("PATCH", PATIENTS, 405, LIST),
        row("DELETE", PATIENTS, 405, LIST),
        row("TRACE", PATIENTS, 405, LIST),
        row("BREW", PATIENTS, 405, LIST),
        row("GET", "/api/patients/1/", 200, DETAIL),
        row("HEAD", "/api/patients/1/", 200, DETAIL),
        row("GET", "/api/patients/2/", 404, DETAIL),
        row("GET", "/api/patients/abc/", 404, DETAIL),
        row("PUT", "/api/patients/1/", 400, DETAIL),
        row("POST", "/api/patients/1/", 405, DETAIL),
        row("DELETE", "/api/patients/1/", 204, DETAIL),
        row("GET", "/api/auth/register/", 405, "POST, OPTIONS"),
        row("HEAD", "/api/auth/register/", 405, "POST, OPTIONS"),
        row("PUT", "/api/auth/login/", 405, "POST, OPTIONS"),
        row("GET", "/api/auth/token/refresh/", 405, "POST, OPTIONS"),
        row("POST", "/", 405, "GET, HEAD, OPTIONS"),
        row("GET", "/api/", 200, "GET, HEAD, OPTIONS"),
        row("GET", "/api/openapi.json/", 200, "GET, HEAD, OPTIONS"),
        row("GET", "/api/openapi.json", 200, "GET, HEAD, OPTIONS"),
        case("no token", &app.anonymous(), "PUT", PATIENTS).says(401, detail(NO_TOKEN)).with_header("allow", LIST),
    ])
    .await;
}

#[tokio::test]
async fn options_names_the_view() {
    let app = TestApp::start().await;
    let (alice, nobody) = (app.user("alice").await, app.anonymous());
    let view = |name: &str| {
        let parses = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
        json!({"name": name, "description": "", "renders": ["application/json"], "parses": parses})
    };
    let options = |path: &str, name: &str| case(name, &alice, "OPTIONS", path).says(200, view(name));
    all_hold([
        options(PATIENTS, "Patient List"),
        options("/api/patients/999/", "Patient Instance"),
        options("/api/auth/register/", "Register"),
        options("/api/auth/token/refresh/", "Token Refresh"),
        case("no token", &nobody, "OPTIONS", LOGIN).is(200),
        case("no token", &nobody, "OPTIONS", PATIENTS).is(401),
    ])
    .await;
}

#[tokio::test]
async fn every_answer_has_the_headers_that_django_s_have() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (path, status, caching) in [
        ("/api/patients/", 200, "private, no-cache"),
        ("/api/patients/9/", 404, "private, no-cache"),
        ("/api/auth/login/", 405, "no-store"),
        ("/nothing", 404, ""),
    ] {
        let reply = alice.get(path).await.is(status);
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", caching),
        ] {
            assert_eq!(reply.header(name), value, "{name} of {path}");
        }
        assert!(reply.headers.get_all("vary").iter().any(|vary| vary == "Accept"), "{path}");
        assert_eq!(reply.header("x-request-id").len(), 32);
    }
}

#[tokio::test]
async fn paths_are_served_with_their_slash_and_without() {
    let app = TestApp::start().await;
    let (alice, nobody) = (app.user("alice").await, app.anonymous());
    let shown = alice.post("/api/patients", john_doe()).await.is(201).body;
    let row = |client: &Client, method: &str, path: &str| case("without its slash", client, method, path);
    all_hold([
        row(&alice, "PUT", "/api/patients/1").json(john_doe()).says(200, shown.clone()),
        row(&alice, "GET", "/api/patients?x=1").says(200, json!([shown])),
        row(&alice, "DELETE", "/api/patients/1").is(204),
        row(&nobody, "GET", "/api").says(200, endpoints(&app)),
    ])
    .await;
}

#[tokio::test]
async fn unknown_paths_are_404_in_json() {
    let app = TestApp::start().await;
    let (alice, nobody) = (app.user("alice").await, app.anonymous());
    let paths = [
        "/api/nonsense/",
        "/api/nonsense",
        "/api/patients.json",
        "/api/patients/1/2/",
        "/api//patients/",
        "/apix",
        "/none",
        "/API/patients/",
        "/api/%00/",
    ];
    let mut rows: Vec<Case> = Vec::new();
    for path in paths {
        for (who, client) in [("a user", &alice), ("nobody", &nobody)] {
            rows.push(case(who, client, "GET", path).says(404, detail(NOT_FOUND)));
            rows.push(case(who, client, "POST", path).json(json!({})).says(404, detail(NOT_FOUND)));
        }
    }
    all_hold(rows).await;
}

#[tokio::test]
async fn the_root_lists_the_endpoints() {
    let app = TestApp::start().await;
    let nobody = app.anonymous();
    let paths = ["/", "/api/", "/api"];
    all_hold(paths.map(|path| case("the endpoints", &nobody, "GET", path).says(200, endpoints(&app)))).await;
}

#[tokio::test]
async fn a_host_that_is_not_listed_is_400() {
    let allowed_hosts = vec!["api.example.org".into(), ".clinic.example".into()];
    let app = TestApp::with(Exposure { allowed_hosts, ..Exposure::default() }).await;
    let nobody = app.anonymous();
    let ask = |host: &str| case(host, &nobody, "GET", "/api/").header("host", host);
    let listed =
        ["api.example.org", "API.example.org:8000", "clinic.example", "a.b.clinic.example", "api.example.org."];
    let others = ["example.org", "evilclinic.example", "api.example.org.evil", "127.0.0.1"];
    let refused = others.map(|host| ask(host).says(400, detail("Invalid Host header.")));
    all_hold(listed.map(|host| ask(host).is(200)).into_iter().chain(refused)).await;
}

/// Sends bytes, and reads until the server closes the connection, or for a second.
async fn exchange(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn heads_that_are_too_large_or_malformed_are_refused() {
    let app = TestApp::start().await;
    let head = |rest: String| format!("GET /api/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{rest}\r\n");
    assert!(exchange(&app, head(String::new()).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    assert!(exchange(&app, head(many).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let long = format!("Authorization: Bearer {}\r\n", "x".repeat(100_000));
    assert!(exchange(&app, head(long).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let uri = format!("GET /api/?{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(65_000));
    let answer = exchange(&app, uri.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 414 "), "{answer}");
    for hosts in ["", "Host: a\r\nHost: b\r\n", "Host: x\"y\r\n"] {
        let request = format!("GET /api/ HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n");
        assert!(exchange(&app, request.as_bytes()).await.starts_with("HTTP/1.1 400 "), "{hosts}");
    }
    assert!(exchange(&app, b"nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
}
