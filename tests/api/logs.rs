//! What is logged, by the server and by PostgreSQL.

use std::fs;

use serde_json::json;

use crate::support::{
    Client, PASSWORD, john_doe,
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
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
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
