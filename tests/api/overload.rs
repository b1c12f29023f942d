//! More than can be done at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use healthcare_backend::{
    auth::Passwords,
    config::{AdminPath, Exposure},
    db::Db,
    server,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::support::{Client, LOGIN, PATIENTS, Reply, TestApp, detail, john_doe};

/// Asks for the patients on a connection: how long that takes, and the answer.
async fn exchange(stream: &mut TcpStream, client: &Client) -> (Duration, String) {
    let begun = Instant::now();
    let head = format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", client.token());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 4096];
    let length = stream.read(&mut buffer).await.unwrap();
    (begun.elapsed(), String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// An application that works on so many requests at once.
async fn app(requests_at_once: usize) -> TestApp {
    TestApp::with(Exposure { requests_at_once, admin_path: Some(AdminPath::default()), ..Exposure::default() }).await
}

#[tokio::test]
async fn a_request_too_many_is_503_within_milliseconds_and_those_before_it_are_answered() {
    let app = app(3).await;
    let alice = app.user("alice").await;
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; lock table patients").execute(&mut other).await.unwrap();
    let waiting = (0..3).map(|_| {
        let alice = alice.clone();
        tokio::spawn(async move { alice.post(PATIENTS, john_doe()).await })
    });
    let waiting: Vec<_> = waiting.collect();
    let all_wait = "select count(*) from pg_locks where not granted and relation = 'patients'::regclass";
    while app.value(all_wait).await != 3 {}
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let (took, answer) = exchange(&mut stream, &alice).await;
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    assert!(answer.ends_with(&detail("Service temporarily unavailable, try again later.").to_string()), "{answer}");
    // whoever does not wait is made to, for half a second to one and a half
    let (took, answer) = exchange(&mut stream, &alice).await;
    assert!(took > Duration::from_millis(450) && took < Duration::from_secs(2), "{took:?}");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let page = app.anonymous().get("/admin/login/").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "1"));
    assert!(page.text.contains("<h1>"), "{}", page.text);
    // what neither reads nor writes a row costs nothing
    app.anonymous().get("/livez").await.is(200);
    app.anonymous().get("/api/nowhere/").await.is(404);
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    for waiting in waiting {
        waiting.await.unwrap().is(201);
    }
    assert_eq!(alice.get(PATIENTS).await.is(200).body.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn whoever_keeps_a_request_or_an_answer_waiting_takes_nobody_s_place() {
    let app = app(1).await;
    let alice = app.user("alice").await;
    let patient = crate::support::with(john_doe(), json!({"medical_history": "x".repeat(100_000)}));
    for _ in 0..80 {
        alice.post(PATIENTS, patient.clone()).await.is(201);
    }
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut slow_writer = TcpStream::connect(app.address).await.unwrap();
        let head = format!(
            "POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
        );
        slow_writer.write_all(head.as_bytes()).await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut slow_reader = socket.connect(app.address).await.unwrap();
        let head = format!("GET {PATIENTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n", alice.token());
        slow_reader.write_all(head.as_bytes()).await.unwrap();
        slow_reader.readable().await.unwrap();
        clients.extend([slow_writer, slow_reader]);
    }
    for _ in 0..20 {
        alice.get("/api/patients/1/").await.is(200);
    }
    drop(clients);
}

#[tokio::test]
async fn requests_whose_bodies_come_all_at_once_are_too_many_all_the_same() {
    let app = app(2).await;
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; lock table users").execute(&mut other).await.unwrap();
    let body = json!({"email": "nobody@example.com", "password": "wrong"}).to_string();
    let (begin, end) = body.split_at(body.len() - 1);
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let length = body.len();
        let head =
            format!("POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{begin}").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    // each has been looked at, and none counts
    app.anonymous().get("/api/").await.is(200);
    let mut answering = JoinSet::new();
    for mut stream in streams {
        stream.write_all(end.as_bytes()).await.unwrap();
        answering.spawn(async move {
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        });
    }
    for _ in 0..3 {
        let answer = answering.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    for answer in answering.join_all().await {
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
}

#[tokio::test]
async fn a_stranger_sends_the_admin_a_small_form_or_none() {
    let app = app(0).await;
    let form = format!("username=sam&password={}", "x".repeat(17 * 1024));
    app.anonymous().raw("POST", "/admin/login/", "application/x-www-form-urlencoded", form).await.is(413);
}

#[tokio::test]
async fn clients_that_leave_in_the_middle_give_their_places_back() {
    let app = app(2).await;
    let alice = app.user("alice").await;
    let mut other = app.connection().await;
    for _ in 0..5 {
        sqlx::raw_sql("begin; lock table patients").execute(&mut other).await.unwrap();
        let leaving = (0..2).map(|_| tokio::time::timeout(Duration::from_millis(200), alice.get("/api/patients/1/")));
        assert!(join_all(leaving).await.iter().all(Result::is_err));
        sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
        // as soon as the server has seen that they are gone
        let begun = Instant::now();
        while alice.get("/api/patients/1/").await.status != 404 {
            assert!(begun.elapsed() < Duration::from_secs(1), "their places are taken for ever");
        }
    }
    for reply in join_all((0..2).map(|_| alice.get("/api/patients/1/"))).await {
        reply.is(404);
    }
}

#[tokio::test]
async fn of_many_statements_that_would_wait_too_long_some_are_503_at_once() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    // one connection for writes, for which 128 statements may wait
    let db = Db::new(app.database.options.clone(), 2);
    let small = healthcare_backend::app::app(db, app.tokens.clone(), Passwords::default(), &Exposure::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = alice.clone().moved_to(&format!("http://{}", listener.local_addr().unwrap()));
    let serving = tokio::spawn(server::serve(listener, small, 4096, std::future::pending()));
    let mut other = app.connection().await;
    sqlx::raw_sql("begin; lock table patients").execute(&mut other).await.unwrap();
    let mut writing: JoinSet<Reply> = (0..160).map(|_| post(there.clone())).collect();
    // they come before any that waits
    for _ in 0..31 {
        let reply = writing.join_next().await.unwrap().unwrap();
        reply.says(503, detail("Service temporarily unavailable, try again later. A request with an Idempotency-Key may be sent again: it makes nothing twice."));
    }
    sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    for reply in writing.join_all().await {
        reply.is(201);
    }
    assert_eq!(alice.get(PATIENTS).await.is(200).body.as_array().unwrap().len(), 129);
    serving.abort();
}

async fn post(client: Client) -> Reply {
    client.post(PATIENTS, john_doe()).await
}
