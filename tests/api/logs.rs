//! What is logged, by the server and by PostgreSQL.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    Client, LOGIN, PASSWORD, PATIENTS, Reply, john_doe,
    program::{Directory, Program, program},
};

#[tokio::test]
async fn neither_log_holds_what_is_in_patients_rows() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    let mut patient = john_doe();
    patient["address"] = json!("Secret Lane");
    alice.post("/api/patients/?search=Secret", patient.clone()).await.is(201);
    patient["gender"] = json!("Secret Lane");
    alice.put("/api/patients/1/", patient).await.is(400);
    alice.get("/api/Secret%20Lane/").await.is(404);
    // one whose client does not wait for the answer
    let mut stream = std::net::TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    let login = r#"{"email": "alice@example.com", "password": "StrongPass124"}"#;
    let head = "POST /api/auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ";
    std::io::Write::write_all(&mut stream, format!("{head}{}\r\n\r\n{login}", login.len()).as_bytes()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    drop(stream);
    // PostgreSQL itself refuses this one
    let again = json!({"name": "Secret", "email": "alice@example.com", "password": PASSWORD});
    Client::at(&server.address).post("/api/auth/register/", again).await.is(400);
    // what became of the patient, and the end of its owner
    let token = alice.post("/api/auth/tokens/", json!({"name": "Secret"})).await.is(201).body;
    let token = token["token"].as_str().unwrap();
    for path in ["/api/patients/1/history/?actor=alice@example.com", "/api/patients/1/access/", "/api/auth/me/export/"]
    {
        alice.get(path).await.is(200);
    }
    alice.get("/api/audit/?actor=alice@example.com").await.is(403);
    alice.json("DELETE", "/api/auth/me/", json!({"password": "StrongPass124"})).await.is(400);
    alice.json("DELETE", "/api/auth/me/", json!({"password": PASSWORD})).await.is(204);
    let exported = program(dir.path(), &["audit", "export"], &[]).output().unwrap();
    assert!(String::from_utf8(exported.stdout).unwrap().contains("Secret Lane"));
    let log = String::from_utf8(server.stop().stderr).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 14, "{log}");
    assert!(lines.iter().any(|line| line.contains(": 499 POST - ")), "{log}");
    assert!(lines[2].contains("user=1") && lines[2].contains(": 201 POST /api/patients/ "), "{log}");
    assert!(lines[3].contains(": 400 PUT /api/patients/{id}/ "), "{log}");
    assert!(lines[4].contains(": 404 GET - "), "{log}");
    let postgres_log = fs::read_to_string(dir.path().join("data/postgres.log")).unwrap();
    assert!(postgres_log.contains("users_email_key"), "{postgres_log}");
    for text in [&log, &postgres_log, &String::from_utf8(exported.stderr).unwrap()] {
        for secret in ["Secret", "alice@", "John", "StrongPass", "$argon2", alice.token(), &token[4..], &token[26..]] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

/// The lines of a server that was asked for several things, and the id of each answer.
async fn logged(form: &str) -> (Vec<String>, Vec<String>) {
    let dir = Directory::new();
    // a limit for users finds out the caller once more
    let settings = [("LOG_FORMAT", form), ("THROTTLE_USER", "100/min"), ("RUST_LOG", "healthcare_backend=info")];
    let server = Program::start(dir.path(), &settings);
    let nobody = Client::at(&server.address);
    let alice = nobody.clone().registered("alice").await;
    let wrong = json!({"email": "alice@example.com", "password": "StrongPass124"});
    let replies = [
        alice.post(&format!("{PATIENTS}?x=Secret"), john_doe()).await.is(201),
        alice.get("/api/patients/1/").await.is(200),
        nobody.post(LOGIN, wrong).await.is(401),
        alice.send("SECRET", PATIENTS).await.is(405),
        nobody.get("/api/Secret/\"x").await.is(404),
        Reply::of(nobody.request("GET", "/api/").header("x-forwarded-for", "1.2.3.4")).await.is(200),
    ];
    let ids = replies.iter().map(|reply| reply.header("x-request-id").to_owned()).collect();
    let log = String::from_utf8(server.stop().stderr).unwrap();
    assert!(!log.contains("Secret") && !log.contains("SECRET"), "{log}");
    (log.lines().skip(2).map(ToOwned::to_owned).collect(), ids)
}

const UNTRUSTED: &str =
    "127.0.0.1 says for whom its requests are, and is not among TRUSTED_PROXIES: it is taken for the client";

#[tokio::test]
async fn as_json_a_line_is_an_object_with_flat_fields() {
    let (lines, ids) = logged("json").await;
    let lines = lines.iter().map(|text| {
        let mut line: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let time = line.as_object_mut().unwrap().remove("time").unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).is_ok(), "{time}");
        let ms = line.as_object_mut().unwrap().remove("ms");
        assert_eq!(ms.is_some_and(|ms| ms.is_u64()), line["level"] == "INFO", "{line}");
        assert_eq!(text.matches("\"user\":").count(), usize::from(!line["user"].is_null()), "{text}");
        line
    });
    let of = |index: usize, user: Value, status: u16, method: &str, route: &str| {
        let mut line = json!({"level": "INFO", "id": ids[index], "address": "127.0.0.1", "user": user,
            "status": status, "method": method, "route": route});
        if user.is_null() {
            line.as_object_mut().unwrap().remove("user");
        }
        line
    };
    let expected = [
        of(0, json!(1), 201, "POST", PATIENTS),
        of(1, json!(1), 200, "GET", "/api/patients/{id}/"),
        of(2, Value::Null, 401, "POST", LOGIN),
        of(3, json!(1), 405, "-", PATIENTS),
        of(4, Value::Null, 404, "GET", "-"),
        json!({"level": "WARN", "message": UNTRUSTED}),
        of(5, Value::Null, 200, "GET", "/api/"),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn for_people_a_line_says_who_asked_from_where_and_what_came_of_it() {
    let (lines, ids) = logged("text").await;
    let lines = lines.iter().map(|line| {
        let (time, line) = line.split_once(' ').unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
        match line.strip_suffix(" ms").and_then(|line| line.rsplit_once(' ')) {
            Some((line, ms)) if ms.parse::<u64>().is_ok() => line.to_owned(),
            _ => line.to_owned(),
        }
    });
    let request = |index: usize, user: &str| format!(" INFO request{{id=\"{}\" address=127.0.0.1{user}}}", ids[index]);
    let expected = [
        format!("{}: 201 POST /api/patients/", request(0, " user=1")),
        format!("{}: 200 GET /api/patients/{{id}}/", request(1, " user=1")),
        format!("{}: 401 POST /api/auth/login/", request(2, "")),
        format!("{}: 405 - /api/patients/", request(3, " user=1")),
        format!("{}: 404 GET -", request(4, "")),
        format!(" WARN {UNTRUSTED}"),
        format!("{}: 200 GET /api/", request(5, "")),
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn as_json_the_reason_for_a_start_that_fails_is_an_object_too() {
    let dir = Directory::new();
    let settings = [("LOG_FORMAT", "json"), ("PG_BINDIR", "/nonexistent"), ("RUST_LOG", "off")];
    let output = program(dir.path(), &["serve"], &settings).env("PORT", "0").output().unwrap();
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), &said["level"]), (Some(1), &json!("ERROR")), "{said}");
    assert!(said["message"].as_str().unwrap().contains("/nonexistent"), "{said}");
}
