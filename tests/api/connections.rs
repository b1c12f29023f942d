//! Clients and databases that are slow, or gone.

use std::time::{Duration, Instant};

use healthcare_backend::{app::app, auth::Passwords, config::Exposure, db::Db, server};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::support::{Reply, TestApp, detail, emily_carter, john_doe};

#[tokio::test]
async fn while_the_database_is_away_the_answer_is_503() {
    let app_ = TestApp::start().await;
    let nowhere = PgConnectOptions::new_without_pgpass().socket("/nonexistent").username("x");
    let app = app(Db::new(nowhere, 2), app_.tokens.clone(), Passwords::default(), &Exposure::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/patients/", listener.local_addr().unwrap());
    let serving = tokio::spawn(server::serve(listener, app, 10, std::future::pending()));
    let begun = Instant::now();
    let reply = Reply::of(reqwest::Client::new().get(url).bearer_auth(app_.token(1, 1))).await;
    assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
    assert_eq!(reply.header("retry-after"), "1");
    reply.says(503, detail("Service temporarily unavailable, try again later."));
    serving.abort();
}

#[tokio::test]
async fn behind_a_proxy_without_a_database_the_answer_is_503() {
    let app_ = TestApp::start().await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = proxy.local_addr().unwrap().port();
    // it takes connections, and has nobody to give them to
    let closing = tokio::spawn(async move {
        while let Ok((stream, _)) = proxy.accept().await {
            drop(stream);
        }
    });
    let nowhere = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("x");
    let app = app(Db::new(nowhere, 2), app_.tokens.clone(), Passwords::default(), &Exposure::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/patients/", listener.local_addr().unwrap());
    let serving = tokio::spawn(server::serve(listener, app, 10, std::future::pending()));
    for path in ["", "1/"] {
        let reply = Reply::of(reqwest::Client::new().get(format!("{url}{path}")).bearer_auth(app_.token(1, 1))).await;
        reply.says(503, detail("Service temporarily unavailable, try again later."));
    }
    serving.abort();
    closing.abort();
}

#[tokio::test]
async fn a_lost_connection_to_the_database_heals() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    alice.post("/api/patients/", john_doe()).await.is(201);
    alice.post("/api/doctors/", emily_carter()).await.is(201);
    alice.post("/api/mappings/", json!({"patient": 1, "doctor": 1})).await.is(201);
    let reads = [
        "/api/patients/",
        "/api/patients/1/",
        "/api/doctors/1/",
        "/api/mappings/1/",
        "/api/mappings/by-patient/1/",
        "/api/auth/me/",
        "/api/auth/sessions/",
    ];
    for read in reads {
        // as many connections as there can be
        let together = (0..20).map(|_| alice.get(read));
        for reply in futures_util::future::join_all(together).await {
            reply.is(200);
        }
        let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                     where application_name = 'healthcare-backend' and datname = current_database()";
        assert!(app.value(ended).await.as_i64() >= Some(1));
        alice.get(read).await.is(200);
        // the read found out what is lost
        alice.patch("/api/patients/1/", json!({"address": read})).await.is(200);
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
