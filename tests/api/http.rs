//! What every answer has in common, and what the server does with requests that are none.

use std::time::{Duration, Instant};

use healthcare_backend::{app::app, auth::Passwords, config::Exposure, db::Db, server};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::support::{Reply, TestApp, detail, emily_carter, john_doe};

const LIST: &str = "GET, POST, HEAD, OPTIONS";
const DETAIL: &str = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";

/// Sends bytes, and reads until the server closes the connection, or for a second.
async fn exchange(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn every_answer_says_what_is_allowed() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    for (method, path, status, allow) in [
        ("GET", "/api/patients/", 200, LIST),
        ("HEAD", "/api/patients/", 200, LIST),
        ("POST", "/api/patients/", 400, LIST),
        ("PUT", "/api/patients/", 405, LIST),
        ("PATCH", "/api/patients/", 405, LIST),
        ("DELETE", "/api/patients/", 405, LIST),
        ("TRACE", "/api/patients/", 405, LIST),
        ("BREW", "/api/patients/", 405, LIST),
        ("GET", "/api/patients/1/", 200, DETAIL),
        ("HEAD", "/api/patients/1/", 200, DETAIL),
        ("GET", "/api/patients/2/", 404, DETAIL),
        ("GET", "/api/patients/abc/", 404, DETAIL),
        ("PUT", "/api/patients/1/", 400, DETAIL),
        ("POST", "/api/patients/1/", 405, DETAIL),
        ("DELETE", "/api/patients/1/", 204, DETAIL),
        ("GET", "/api/auth/register/", 405, "POST, OPTIONS"),
        ("HEAD", "/api/auth/register/", 405, "POST, OPTIONS"),
        ("PUT", "/api/auth/login/", 405, "POST, OPTIONS"),
        ("GET", "/api/auth/token/refresh/", 405, "POST, OPTIONS"),
        ("POST", "/", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/api/", 200, "GET, HEAD, OPTIONS"),
        ("GET", "/api/openapi.json/", 200, "GET, HEAD, OPTIONS"),
        ("GET", "/api/openapi.json", 200, "GET, HEAD, OPTIONS"),
    ] {
        let reply = alice.send(method, path).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (status, allow), "{method} {path}");
        if method == "HEAD" {
            assert_eq!(reply.text, "");
        } else if status == 405 {
            assert_eq!(reply.body, detail(&format!("Method \"{method}\" not allowed.")));
        }
    }
    let anonymous = app.anonymous().send("PUT", "/api/patients/").await;
    assert_eq!(anonymous.header("allow"), LIST);
    anonymous.says(401, detail("Authentication credentials were not provided."));
}

#[tokio::test]
async fn options_names_the_view() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for (path, name) in [
        ("/api/patients/", "Patient List"),
        ("/api/patients/999/", "Patient Instance"),
        ("/api/auth/register/", "Register"),
        ("/api/auth/token/refresh/", "Token Refresh"),
    ] {
        let reply = alice.send("OPTIONS", path).await;
        reply.says(200, json!({
            "name": name, "description": "", "renders": ["application/json"], "parses": ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
        }));
    }
    app.anonymous().send("OPTIONS", "/api/auth/login/").await.is(200);
    app.anonymous().send("OPTIONS", "/api/patients/").await.is(401);
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
            ("vary", "Accept"),
            ("cache-control", caching),
        ] {
            assert_eq!(reply.header(name), value, "{name} of {path}");
        }
        assert_eq!(reply.header("x-request-id").len(), 32);
    }
}

#[tokio::test]
async fn paths_are_served_with_their_slash_and_without_and_unknown_ones_are_404_in_json() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients", john_doe()).await.is(201);
    alice.put("/api/patients/1", john_doe()).await.is(200);
    assert_eq!(alice.get("/api/patients?x=1").await.is(200).body[0]["id"], 1);
    alice.delete("/api/patients/1").await.is(204);
    app.anonymous().get("/api").await.is(200);
    for path in [
        "/api/nonsense/",
        "/api/nonsense",
        "/api/patients.json",
        "/api/patients/1/2/",
        "/api//patients/",
        "/apix",
        "/none",
        "/API/patients/",
    ] {
        for client in [&alice, &app.anonymous()] {
            client.get(path).await.says(404, detail("Not found."));
            client.post(path, json!({})).await.says(404, detail("Not found."));
        }
    }
}

#[tokio::test]
async fn the_root_lists_the_endpoints() {
    let app = TestApp::start().await;
    let base = format!("http://{}", app.address);
    let expected = json!({
        "register": format!("{base}/api/auth/register/"),
        "login": format!("{base}/api/auth/login/"),
        "token_refresh": format!("{base}/api/auth/token/refresh/"),
        "patients": format!("{base}/api/patients/"),
        "doctors": format!("{base}/api/doctors/"),
        "mappings": format!("{base}/api/mappings/"),
    });
    for path in ["/", "/api/", "/api"] {
        app.anonymous().get(path).await.says(200, expected.clone());
    }
}

#[tokio::test]
async fn what_takes_no_json_is_406_after_401_and_404_and_before_anything_is_written() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.post("/api/patients/", john_doe()).await.is(201);
    let refused = detail("Could not satisfy the request Accept header.");
    let ask = async |client: &crate::support::Client, method: &str, path: &str, accept: &str| {
        let request = client.request(method, path).header("accept", accept);
        Reply::of(if ["GET", "PUT"].contains(&method) { request } else { request.json(&john_doe()) }).await
    };
    for accept in [
        "*/*",
        "application/*",
        "application/json",
        "text/html",
        "text/html,application/xml;q=0.9",
        "APPLICATION/JSON; indent=4",
    ] {
        ask(&alice, "GET", "/api/patients/1/", accept).await.is(200);
    }
    for accept in ["application/xml", "text/plain", "image/*, application/yaml"] {
        ask(&alice, "GET", "/api/patients/", accept).await.says(406, refused.clone());
        ask(&alice, "GET", "/api/patients/1/", accept).await.says(406, refused.clone());
        ask(&alice, "POST", "/api/patients/", accept).await.says(406, refused.clone());
        ask(&alice, "PATCH", "/api/patients/1/", accept).await.says(406, refused.clone());
        ask(&alice, "POST", "/api/auth/login/", accept).await.says(406, refused.clone());
        ask(&alice, "DELETE", "/api/patients/1/", accept).await.says(406, refused.clone());
        ask(&bob, "DELETE", "/api/patients/1/", accept).await.is(404);
        ask(&alice, "BREW", "/api/patients/", accept).await.says(406, refused.clone());
        ask(&bob, "GET", "/api/patients/1/", accept).await.is(404);
        ask(&bob, "PATCH", "/api/patients/1/", accept).await.is(404);
        ask(&app.anonymous(), "GET", "/api/patients/", accept).await.is(401);
    }
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    alice.post("/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(201);
    for path in ["/api/patients/1/", "/api/doctors/1/", "/api/mappings/1/"] {
        alice.delete(&format!("{path}?format=xml")).await.says(404, detail("Not found."));
        ask(&alice, "DELETE", path, "application/xml").await.says(406, refused.clone());
        ask(&alice, "DELETE", &path.replace('1', "9"), "application/xml").await.is(404);
    }
    assert_eq!(alice.get("/api/mappings/").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn bodies_of_other_types_are_415_after_404() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let unsupported = |sent: &str| detail(&format!("Unsupported media type \"{sent}\" in request."));
    let body = john_doe().to_string();
    for sent in ["text/plain", "application/jsonx", ""] {
        alice.raw("POST", "/api/patients/", sent, body.clone()).await.says(415, unsupported(sent));
        alice.raw("PUT", "/api/patients/1/", sent, body.clone()).await.says(415, unsupported(sent));
        alice.raw("PUT", "/api/patients/9/", sent, body.clone()).await.is(404);
        app.anonymous().raw("POST", "/api/auth/login/", sent, body.clone()).await.says(415, unsupported(sent));
    }
    for sent in ["application/json; charset=utf-8", "Application/JSON"] {
        alice.raw("POST", "/api/patients/", sent, body.clone()).await.is(201);
    }
}

#[tokio::test]
async fn json_that_is_none_or_no_object_is_a_400_that_changes_nothing() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let before = alice.get("/api/patients/1/").await.text;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let malformed = [
        "{".into(),
        "{\"first_name\": \"A\",}".into(),
        "{first_name: 1}".into(),
        "nul".into(),
        "NaN".into(),
        "{\"age\": NaN}".into(),
        "{\"age\": Infinity}".into(),
        "{\"age\": 1e400}".into(),
        "{} {}".into(),
        "\u{feff}{}".into(),
        "{\"first_name\": \"\\ud800\"}".into(),
        "{\"first_name\": \"a\u{1}b\"}".into(),
        deep(129),
        deep(100_000),
        format!("{{\"first_name\": {}}}", deep(100_000)),
    ];
    let invalid_utf8 = vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}'];
    for bytes in malformed.iter().map(|text: &String| text.clone().into_bytes()).chain([invalid_utf8]) {
        for (method, path) in [
            ("POST", "/api/patients/"),
            ("PUT", "/api/patients/1/"),
            ("PATCH", "/api/patients/1/"),
            ("POST", "/api/auth/register/"),
        ] {
            let reply = alice.raw(method, path, "application/json", bytes.clone()).await.is(400);
            let said = reply.body["detail"].as_str().unwrap();
            assert!(said.starts_with("JSON parse error - "), "{said}");
        }
    }
    for (body, said) in [
        ("[]", "Invalid data. Expected a dictionary, but got list."),
        ("\"x\"", "Invalid data. Expected a dictionary, but got str."),
        ("1", "Invalid data. Expected a dictionary, but got int."),
        ("1.5", "Invalid data. Expected a dictionary, but got float."),
        ("true", "Invalid data. Expected a dictionary, but got bool."),
        ("null", "No data provided"),
        (&deep(100), "Invalid data. Expected a dictionary, but got list."),
    ] {
        for (method, path) in [("POST", "/api/patients/"), ("PATCH", "/api/patients/1/"), ("POST", "/api/auth/login/")]
        {
            alice.raw(method, path, "application/json", body).await.says(400, json!({"non_field_errors": [said]}));
        }
    }
    assert_eq!(alice.get("/api/patients/1/").await.text, before);
    // the last of two equal keys counts, as in Python
    alice.raw("PATCH", "/api/patients/1/", "application/json", "{\"gender\": \"?\", \"gender\": \"F\"}").await.is(200);
}

#[tokio::test]
async fn null_characters_are_refused_in_every_string() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for key in ["first_name", "last_name", "address", "phone_number", "email", "medical_history"] {
        let mut patient = john_doe();
        patient[key] = json!("a\0b");
        alice.post("/api/patients/", patient).await.says(400, json!({key: ["Null characters are not allowed."]}));
    }
    for key in ["email", "username", "password"] {
        let mut body = json!({"email": "a@example.com", "password": "x"});
        body[key] = json!("a\0b");
        let reply = app.anonymous().post("/api/auth/login/", body).await.is(400);
        assert_eq!(reply.body, json!({key: ["Null characters are not allowed."]}));
    }
    alice.get("/api/patients/?search=%00").await.says(400, json!({"search": ["Null characters are not allowed."]}));
    alice.get("/api/%00/").await.says(404, detail("Not found."));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut patient = john_doe();
    patient["medical_history"] = json!("x".repeat(100_000));
    alice.post("/api/patients/", patient.clone()).await.is(201);
    patient["medical_history"] = json!("x".repeat(3 * 1024 * 1024));
    alice.post("/api/patients/", patient).await.says(413, detail("The request body is larger than 2097152 bytes."));
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

#[tokio::test]
async fn a_host_that_is_not_listed_is_400() {
    let allowed_hosts = vec!["api.example.org".into(), ".clinic.example".into()];
    let app = TestApp::with(Exposure { allowed_hosts, ..Exposure::default() }).await;
    let ask = |host: &str| Reply::of(app.anonymous().request("GET", "/api/").header("host", host));
    for host in ["api.example.org", "API.example.org:8000", "clinic.example", "a.b.clinic.example", "api.example.org."]
    {
        ask(host).await.is(200);
    }
    for host in ["example.org", "evilclinic.example", "api.example.org.evil", "127.0.0.1"] {
        ask(host).await.says(400, detail("Invalid Host header."));
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_answer_is_503() {
    let app_ = TestApp::start().await;
    let nowhere = PgConnectOptions::new_without_pgpass().socket("/nonexistent").username("x");
    let app = app(Db::new(nowhere, 2), app_.tokens.clone(), Passwords::new(), &Exposure::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/patients/", listener.local_addr().unwrap());
    let serving = tokio::spawn(server::serve(listener, app, std::future::pending()));
    let begun = Instant::now();
    let reply = Reply::of(reqwest::Client::new().get(url).bearer_auth(app_.token(1, 1))).await;
    assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
    assert_eq!(reply.header("retry-after"), "1");
    reply.says(503, detail("Service temporarily unavailable, try again later."));
    serving.abort();
}

#[tokio::test]
async fn a_lost_connection_to_the_database_heals() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for _ in 0..3 {
        app.value("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'healthcare-backend' and datname = current_database()").await;
        alice.get("/api/patients/").await.says(200, json!([]));
    }
}

#[tokio::test]
async fn slow_clients_are_let_go_and_the_others_do_not_notice() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let connect = || TcpStream::connect(app.address);
    let mut head = connect().await.unwrap();
    head.write_all(b"GET /api/ HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut body = connect().await.unwrap();
    body.write_all(
        b"POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    )
    .await
    .unwrap();
    let mut second_head = connect().await.unwrap();
    second_head.write_all(b"GET /api/ HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    second_head.read_exact(&mut [0; 16]).await.unwrap();
    second_head.write_all(b"GET /api/ HT").await.unwrap();
    let begun = Instant::now();
    for stream in [&mut head, &mut body, &mut second_head] {
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "open after {:?}", begun.elapsed());
        alice.get("/api/patients/").await.says(200, json!([]));
    }
    assert!(begun.elapsed() >= Duration::from_secs(9), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_client_that_takes_an_answer_drop_by_drop_is_let_go() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let mut patient = john_doe();
    patient["medical_history"] = json!("x".repeat(100_000));
    for _ in 0..80 {
        alice.post("/api/patients/", patient.clone()).await.is(201);
    }
    let socket = TcpSocket::new_v4().unwrap();
    // so that each drop lets the server send another
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(app.address).await.unwrap();
    let request = format!("GET /api/patients/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
    stream.write_all(request.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let (mut buffer, mut taken) = ([0; 2000], 0);
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        taken += bytes;
        if begun.elapsed() < Duration::from_secs(13) {
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    }
    let whole = alice.get("/api/patients/").await.is(200).text.len();
    assert!(taken < whole, "all {whole} bytes were sent, in {:?}", begun.elapsed());
}

#[tokio::test]
async fn requests_cut_off_at_any_time_leave_no_transaction_open_and_lose_no_write() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    let request = |number: u64| {
        let body = json!({"address": format!("{number}")}).to_string();
        format!(
            "PATCH /api/patients/1/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            alice.token(),
            body.len()
        )
    };
    for number in 0..1000_u64 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(request(number).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_micros(number * 7919 % 4000)).await;
        drop(stream);
    }
    for number in 0..20 {
        let address = format!("after {number}");
        alice.patch("/api/patients/1/", json!({ "address": address })).await.is(200);
        assert_eq!(app.value("select address from patients").await, json!(address));
    }
    let open = "select count(*) from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()";
    assert_eq!(app.value(open).await, 0);
    let audited = app.value("select count(*) from audit_log where table_name = 'patients'").await;
    assert_eq!(app.value("select version from patients").await, audited);
}
