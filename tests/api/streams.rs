//! Whole lists, sent as they are read.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    Client, PATIENTS, TestApp,
    lists::{all_pages, ids, patients},
};

/// Sends a GET by hand; what comes back until the connection ends, or stands still.
async fn exchange(app: &TestApp, client: &Client, path: &str, headers: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{headers}Connection: close\r\n\r\n",
        client.token()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn that_are_long_come_whole_and_as_those_that_are_short() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    for count in [199, 1, 1, 1, 300] {
        patients(&app, count).await;
        let whole = alice.get(PATIENTS).await.is(200);
        let pages = all_pages(&alice, "/api/patients/?limit=57").await.concat();
        assert_eq!(ids(&whole), pages);
        let one = alice.get("/api/patients/200/").await;
        if one.status == 200 {
            assert!(whole.text.contains(&one.text), "a row is written as it is alone");
        }
    }
    let by_date = alice.get("/api/patients/?ordering=-date_of_birth").await.is(200);
    assert_eq!(ids(&by_date).len(), 502);
    assert_eq!(by_date.header("content-type"), "application/json");
}

#[tokio::test]
async fn that_break_off_break_the_connection() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 3000).await;
    app.sql("update patients set medical_history = repeat('x', 20000)").await;
    let mut socket = TcpStream::connect(app.address).await.unwrap();
    let request = format!("GET /api/patients/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 1000];
    socket.read_exact(&mut begin).await.unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200 OK"));
    // who is no more gets no further
    app.sql("update users set is_active = false").await;
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest).await;
    assert!(rest.len() > 100_000 && rest.len() < 50_000_000, "{}", rest.len());
    assert!(!rest.ends_with(b"0\r\n\r\n") && !rest.ends_with(b"]"), "it looks whole");
}

#[tokio::test]
async fn that_are_read_slowly_keep_no_connection_to_the_database() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 2000).await;
    app.sql("update patients set medical_history = repeat('x', 20000)").await;
    // more of them than there are connections
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = TcpStream::connect(app.address).await.unwrap();
        let request =
            format!("GET /api/patients/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut begin = [0; 100];
        socket.read_exact(&mut begin).await.unwrap();
        sockets.push(socket);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let busy = "select count(*) from pg_stat_activity where application_name = 'healthcare-backend' and state <> 'idle' \
                and datname = current_database() and query not like '%access_log%'";
    assert_eq!(app.value(busy).await, json!(0));
    alice.get("/api/patients/1/").await.is(200);
}

#[tokio::test]
async fn are_compressed_when_asked() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    patients(&app, 500).await;
    let plain = alice.get(PATIENTS).await.is(200);
    assert_eq!(plain.header("content-encoding"), "");
    let gzipped = exchange(&app, &alice, PATIENTS, "Accept-Encoding: gzip\r\n").await;
    let head = String::from_utf8_lossy(&gzipped[..gzipped.len().min(2000)]).to_lowercase();
    assert!(head.contains("content-encoding: gzip") && head.contains("vary: accept-encoding"), "{head}");
    assert!(gzipped.len() * 5 < plain.text.len(), "{} of {}", gzipped.len(), plain.text.len());
    // neither what has an ETag, nor tokens, nor what is short
    for path in ["/api/patients/1/", "/api/auth/me/", "/api/patients/?limit=1"] {
        let answer = exchange(&app, &alice, path, "Accept-Encoding: gzip\r\n").await;
        assert!(!String::from_utf8_lossy(&answer).contains("content-encoding"), "{path}");
    }
}
