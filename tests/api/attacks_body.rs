//! What the body of one request can't do to the others.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    Client, PASSWORD, Reply, TestApp, detail, emily_carter, john_doe,
    program::{Directory, Program},
    with,
};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PATIENTS: &str = "/api/patients/";
const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_name_of_many_words_and_a_password_of_many_characters_are_refused_at_once() {
    let app = TestApp::start().await;
    // a rule that compared each of these words to the password would take seconds
    let words = |count: usize| "b.".repeat(count) + "b";
    let password = "Ab".repeat(1_500);
    let too_long = |max: usize| json!([format!("Ensure this field has no more than {max} characters.")]);
    let begun = Instant::now();
    for field in ["name", "first_name", "last_name", "username"] {
        let body = with(
            json!({"name": "Ada", "email": "ada@example.com"}),
            json!({field: words(5_000), "password": password}),
        );
        let reply = app.anonymous().post("/api/auth/register/", body).await;
        reply.says(400, json!({field: too_long(150), "password": too_long(1000)}));
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_rule_across_fields_looks_at_a_value_that_is_too_long() {
    let app = TestApp::start().await;
    let too_long = |max: usize| json!([format!("Ensure this field has no more than {max} characters.")]);
    let long = "1".repeat(1_001);
    let body = json!({
        "name": long, "first_name": long, "email": format!("{long}@example.com"), "username": format!("@{long}"),
        "password": long, "password2": PASSWORD, "password_confirm": long, "confirm_password": long,
    });
    app.anonymous().post("/api/auth/register/", body).await.says(
        400,
        json!({
            "name": too_long(150), "email": too_long(254), "username": too_long(150), "password": too_long(1000),
            "first_name": too_long(150), "password_confirm": too_long(1000), "confirm_password": too_long(1000),
        }),
    );
    // what looks at other fields is said all the same
    let body = json!({
        "name": long, "email": "wilhelmina9@example.com", "password": "Wilhelmina%1", "password2": PASSWORD,
        "confirm_password": long,
    });
    app.anonymous().post("/api/auth/register/", body).await.says(
        400,
        json!({
            "name": too_long(150), "confirm_password": too_long(1000),
            "password": ["The password is too similar to the email.", "Password fields didn't match."],
        }),
    );
}

/// A JSON body of about so many bytes that is a good patient, with lists of lists under one more key.
fn nested(key: &str, size: usize) -> String {
    let deep = "[".repeat(118) + &"]".repeat(118);
    let lists = vec![deep.as_str(); size / 237].join(",");
    let patient = john_doe().to_string();
    format!("{},\"{key}\":[{lists}]}}", patient.trim_end_matches('}'))
}

#[tokio::test]
async fn a_body_of_lists_of_lists_takes_no_more_memory_than_its_length() {
    let dir = Directory::new();
    let program = Program::start(dir.path(), &[]);
    let alice = Client::at(&program.address).registered("alice").await;
    let before = program.peak_memory();
    for key in ["z", "phone"] {
        // the gender is a choice, whose message quotes it
        for (key, status) in [(key, if key == "z" { 201 } else { 400 }), ("gender", 400)] {
            alice.raw("POST", PATIENTS, JSON, nested(key, 2 * MIB - 1024)).await.is(status);
        }
    }
    let more = program.peak_memory() - before;
    assert!(more < 40 * MIB as u64, "{} MiB", more / MIB as u64);
    program.stop();
}

#[tokio::test]
async fn bodies_about_accounts_are_small() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let login = json!({"email": "alice@example.com", "password": PASSWORD}).to_string();
    for (method, path, body, status) in [
        ("POST", "/api/auth/login/", &*login, 200),
        ("POST", "/api/auth/token/refresh/", r#"{"refresh": "x"}"#, 401),
        ("PATCH", "/api/auth/me/", r#"{"name": "Ada"}"#, 200),
        ("POST", "/api/auth/register/", "{}", 400),
    ] {
        let largest = format!("{body:16384}");
        alice.raw(method, path, JSON, largest.clone()).await.is(status);
        let refused = detail("The request body is larger than 16384 bytes.");
        alice.raw(method, path, JSON, largest + " ").await.says(413, refused);
    }
}

#[tokio::test]
async fn of_a_long_text_that_is_no_choice_the_beginning_is_quoted() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let said = |quoted: String| json!({"gender": [format!("\"{quoted}\" is not a valid choice.")]});
    let numbers = |count: usize| vec!["1"; count].join(", ");
    for (gender, quoted) in [
        (json!("é".repeat(200)), "é".repeat(200)),
        (json!("é".repeat(201)), "é".repeat(200) + "…"),
        (json!("x".repeat(MIB)), "x".repeat(200) + "…"),
        (json!(vec![1; 66]), format!("[{}]", numbers(66))),
        (json!(vec![1; 67]), format!("[{}", numbers(67)) + "…"),
        (json!(vec![1; 10_000]), format!("[{}", numbers(67)) + "…"),
    ] {
        alice.post(PATIENTS, with(john_doe(), json!({"gender": gender}))).await.says(400, said(quoted));
    }
}

#[tokio::test]
async fn json_is_checked_also_where_no_field_is_made_of_it() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    alice.raw("POST", PATIENTS, JSON, nested("z", MIB)).await.is(201);
    for (value, said) in [
        (deep(127), "recursion limit exceeded at line 1 column 132"),
        (deep(100_000), "recursion limit exceeded at line 1 column 132"),
        ("1e400".into(), "number out of range at line 1 column 10"),
        ("[\"\\ud800\"]".into(), "unexpected end of hex escape at line 1 column 14"),
        ("{\"a\": nul}".into(), "expected ident at line 1 column 15"),
        ("{\"a\" 1}".into(), "expected `:` at line 1 column 11"),
        ("[1,]".into(), "trailing comma at line 1 column 9"),
        ("[1".into(), "expected `,` or `]` at line 1 column 8"),
    ] {
        let body = format!("{{\"z\":{value}}}");
        let reply = alice.raw("POST", PATIENTS, JSON, body).await;
        reply.says(400, detail(&format!("JSON parse error - {said}")));
    }
}

#[tokio::test]
async fn the_last_of_equal_keys_counts_and_other_keys_count_for_an_idempotency_key() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let post = async |key: &str, content_type: &str, body: &str| {
        let request =
            alice.request("POST", PATIENTS).header("idempotency-key", key).header("content-type", content_type);
        Reply::of(request.body(body.to_owned())).await
    };
    let json = |more: &str| format!(r#"{{"name": "A B", "age": 1, "gender": "?", "gender": "O", {more}}}"#);
    let form = |more: &str| format!("name=A+B&age=1&gender=?&gender=O&{more}");
    for (content_type, same, others) in [
        (
            JSON,
            [
                json(r#""x": {"a": [1, -1.5, null, true], "b": ""}, "y": "a""#),
                json(r#" "x":{"a":[1,-1.5,null,true],"b":""},"y":"a""#),
            ],
            vec![
                json(r#""x": {"a": [1, -1.5, null, true], "b": ""}, "y": "b""#),
                json(r#""x": {"a": [1, -1.5, null, false], "b": ""}, "y": "a""#),
                json(r#""x": {"a": [1, -1.5, null], "b": true}, "y": "a""#),
                json(r#""x": {"a": [[1, -1.5], null, true], "b": ""}, "y": "a""#),
                json(r#""x": {"a": [1, -1.5, null, true]}, "y": "a""#),
                json(r#""y": "a""#),
            ],
        ),
        (FORM, [form("x=1&y=a"), form("x=%31&y=a")], vec![form("x=1&y=b"), form("x=1"), form("x=1y&=a"), form("")]),
    ] {
        let first = post(content_type, content_type, &same[0]).await.is(201);
        assert_eq!(first.body["gender"], "O");
        let again = post(content_type, content_type, &same[1]).await.is(201);
        assert_eq!((again.header("idempotency-replayed"), &again.text), ("true", &first.text));
        for other in others {
            post(content_type, content_type, &other).await.is(422);
        }
    }
}

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
