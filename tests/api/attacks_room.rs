//! Bodies that come slowly, or not as they should: what they hold of the room that all bodies share.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Client, PATIENTS, TestApp, detail, emily_carter, john_doe, with};

const JSON: &str = "application/json";
const MIB: usize = 1024 * 1024;

/// Begins a request, and sends some of its body.
async fn begin(app: &TestApp, client: &Client, headers: &str, body: &[u8]) -> TcpStream {
    begin_from("127.0.0.1", app, client, headers, body).await
}

/// The same from another address.
async fn begin_from(address: &str, app: &TestApp, client: &Client, headers: &str, body: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(app.address).await.unwrap();
    let token = client.token();
    let head = format!(
        "POST {PATIENTS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON}\r\n\
         Authorization: Bearer {token}\r\n{headers}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// The status and the body of an answer that ends with its connection.
async fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn beyond_the_room_for_bodies_is_503_at_once_until_there_is_some_again() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let size = 2 * MIB;
    let hold = async |number: usize| {
        let address = format!("127.0.0.{}", 2 + number / 8);
        begin_from(&address, &app, &alice, &format!("Content-Length: {size}"), &vec![b' '; size - 1]).await
    };
    let patient = with(john_doe(), json!({"medical_history": "x".repeat(100_000)}));
    let mut begun = Vec::new();
    for number in 0..31 {
        begun.push(hold(number).await);
    }
    loop {
        // what is on its way while there is still room for a patient may itself be refused
        begun.push(hold(begun.len()).await);
        tokio::time::sleep(Duration::from_millis(300)).await;
        if alice.post(PATIENTS, patient.clone()).await.status == 503 {
            break;
        }
        assert!(begun.len() < 40, "there is room for all of them");
    }
    let refused = Instant::now();
    let reply = alice.post(PATIENTS, patient.clone()).await.is(503);
    assert!(refused.elapsed() < Duration::from_secs(1), "{:?}", refused.elapsed());
    assert_eq!(reply.header("retry-after"), "1");
    // what needs no room is answered meanwhile
    alice.get(PATIENTS).await.is(200);
    // those that hold it are answered too, and there is room again
    let mut answers = Vec::new();
    for mut stream in begun {
        let _ = stream.write_all(b"1").await;
        answers.push(answer(stream).await);
    }
    let said = json!({"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]});
    assert!(answers.iter().filter(|answer| **answer == (400, said.clone())).count() >= 31, "{answers:?}");
    alice.post(PATIENTS, patient).await.is(201);
}

#[tokio::test]
async fn one_client_takes_a_quarter_of_the_room_for_bodies_and_no_more() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let size = 2 * MIB;
    let headers = format!("Content-Length: {size}");
    let mut begun = Vec::new();
    for _ in 0..8 {
        begun.push(begin_from("127.0.0.2", &app, &alice, &headers, &vec![b' '; size - 1]).await);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let one_more = begin_from("127.0.0.2", &app, &alice, "Content-Length: 100", &[b' '; 100]).await;
    let said = "Service temporarily unavailable, try again later. A request with an Idempotency-Key may be sent again: it \
                makes nothing twice.";
    assert_eq!(answer(one_more).await, (503, detail(said)));
    alice.post(PATIENTS, john_doe()).await.is(201);
    drop(begun);
    // what it held is there again
    let refused = (400, detail("JSON parse error - EOF while parsing a value at line 1 column 100"));
    loop {
        let stream = begin_from("127.0.0.2", &app, &alice, "Content-Length: 100", &[b' '; 100]).await;
        match answer(stream).await {
            (503, _) => tokio::time::sleep(Duration::from_millis(50)).await,
            answered => break assert_eq!(answered, refused),
        }
    }
}

#[tokio::test]
async fn malformed_chunks_are_400_and_too_many_bytes_in_chunks_are_413() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let malformed = (400, detail("The request body is malformed."));
    let chunked = "Transfer-Encoding: chunked";
    for body in ["zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx0\r\n\r\n", "fffffffffffffffff\r\n", "-1\r\n"] {
        assert_eq!(answer(begin(&app, &alice, chunked, body.as_bytes()).await).await, malformed, "{body:?}");
    }
    // a body that ends before its end
    for (headers, body) in [(chunked, "5\r\n{}"), ("Content-Length: 100", "{}")] {
        let mut stream = begin(&app, &alice, headers, body.as_bytes()).await;
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let doctor = emily_carter().to_string();
    let mut chunks: String = doctor.chars().map(|character| format!("1\r\n{character}\r\n")).collect();
    chunks.push_str("0\r\n\r\n");
    assert_eq!(answer(begin(&app, &alice, chunked, chunks.as_bytes()).await).await.0, 400);
    let large = format!("{:x}\r\n{}", 3 * MIB, " ".repeat(2 * MIB + 1));
    let too_large = (413, detail("The request body is larger than 2097152 bytes."));
    assert_eq!(answer(begin(&app, &alice, chunked, large.as_bytes()).await).await, too_large);
}
