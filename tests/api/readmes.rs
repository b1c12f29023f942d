//! The examples of the two READMEs that this server replaces, request by request; and the walk of its own.

use serde_json::{Value, json};

use crate::support::{Reply, TestApp, detail};

#[tokio::test]
async fn readme_a() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();

    let registration = json!({"name": "Alice Smith", "email": "alice@example.com", "password": "StrongPass123"});
    let registered = anonymous.post("/api/auth/register/", registration.clone()).await.is(201).body;
    assert_eq!(registered["message"], "User registered successfully");
    for (key, value) in [("id", json!(1)), ("name", json!("Alice Smith")), ("email", json!("alice@example.com"))] {
        assert_eq!(registered["user"][key], value);
    }
    let again = anonymous.post("/api/auth/register/", registration).await;
    again.says(400, json!({"email": ["user with this email already exists."]}));

    let wrong = anonymous.post("/api/auth/login/", json!({"email": "alice@example.com", "password": "x"})).await;
    wrong.says(401, detail("No active account found with the given credentials"));
    let tokens = anonymous
        .post("/api/auth/login/", json!({"email": "alice@example.com", "password": "StrongPass123"}))
        .await
        .is(200)
        .body;
    assert!(tokens["refresh"].is_string() && tokens["access"].is_string());
    let fresh = anonymous.post("/api/auth/token/refresh/", json!({"refresh": tokens["refresh"]})).await.is(200).body;
    assert_eq!(fresh.as_object().unwrap().len(), 1);
    let alice = app.bearer(fresh["access"].as_str().unwrap());

    let patient = json!({
        "first_name": "John", "last_name": "Doe", "date_of_birth": "1990-01-01", "gender": "M", "address": "123 Health St",
        "phone_number": "1234567890", "email": "john.doe@example.com", "medical_history": "No major issues",
    });
    let created = alice.post("/api/patients/", patient.clone()).await.is(201).body;
    assert_eq!(created["id"], 1);
    assert_eq!(created["created_by"], "alice@example.com");
    assert!(created["created_at"].as_str().unwrap().ends_with('Z'));
    for (key, value) in patient.as_object().unwrap() {
        assert_eq!(&created[key], value);
    }
    alice.get("/api/patients/").await.says(200, json!([created]));
    alice.get("/api/patients/1/").await.says(200, created);
    let mut changed = patient;
    changed["address"] = json!("456 Wellness Ave");
    assert_eq!(alice.put("/api/patients/1/", changed).await.is(200).body["address"], "456 Wellness Ave");
    // the README prints a message after 204, which HTTP has no place for
    assert_eq!(alice.delete("/api/patients/1/").await.is(204).text, "");
    alice.get("/api/patients/").await.says(200, json!([]));
}

#[tokio::test]
async fn readme_b() {
    let app = TestApp::start().await;
    let curl = app.anonymous();
    let send = async |path: &str, body: &str| curl.raw("POST", path, "application/json", body).await;

    let registration =
        r#"{"name":"Alice Doe","email":"alice@example.com","username":"alice","password":"StrongPass123!"}"#;
    let registered = send("/api/auth/register/", registration).await.is(201).body;
    assert_eq!(registered["user"]["username"], "alice");
    let login = r#"{"username":"alice","password":"StrongPass123!"}"#;
    let access = send("/api/auth/login/", login).await.is(200).body["access"].as_str().unwrap().to_owned();

    let alice = app.bearer(&access);
    let patient = r#"{"name":"John Smith","age":34,"gender":"M","address":"Bengaluru"}"#;
    let created = alice.raw("POST", "/api/patients/", "application/json", patient).await.is(201).body;
    for (key, value) in serde_json::from_str::<Value>(patient).unwrap().as_object().unwrap() {
        assert_eq!(&created[key], value);
    }
    let list: Reply = alice.get("/api/patients/").await;
    list.says(200, json!([created]));
    let changed = alice.put("/api/patients/1/", json!({"name": "Jane", "age": 35, "gender": "F"})).await.is(200).body;
    assert_eq!(
        (&changed["name"], &changed["age"], &changed["address"]),
        (&json!("Jane"), &json!(35), &json!("Bengaluru"))
    );
    alice.delete("/api/patients/1/").await.is(204);
    alice.get("/api/patients/1/").await.is(404);
}

/// Its own README's walk, as a user would paste it, and a second user after the first.
#[tokio::test]
async fn the_walk() {
    let app = TestApp::start().await;
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("## A first walk with curl\n\n```bash\n").unwrap();
    let (walk, _) = rest.split_once("\n```").unwrap();
    let walk = walk.replace("http://127.0.0.1:8000", &format!("http://{}", app.address));
    assert!(walk.contains(&app.address.to_string()));
    let curl = "curl() { command curl -sS -w '\\n%{http_code}\\n' \"$@\"; }";
    let second = walk.replace("WHO=alice", "WHO=bob");
    assert_ne!(walk, second);
    for walk in [walk, second] {
        let script = format!("set -eu\n{curl}\n{walk}\n");
        let run = tokio::process::Command::new("bash").args(["-c", &script]).output().await.unwrap();
        let output = String::from_utf8(run.stdout).unwrap();
        let statuses: Vec<&str> = output.lines().filter(|line| line.len() == 3).collect();
        assert_eq!(statuses, ["201", "201", "200", "200", "200", "204"], "{output}");
        for shown in [
            r#""doctor_name":"Dr. Emily Carter""#,
            r#""specialty":"Cardiology""#,
            r#""name":"John Doe""#,
            r#""phone_number":"0987654321""#,
        ] {
            assert!(output.contains(shown), "{shown} is not in {output}");
        }
        assert!(run.status.success() && run.stderr.is_empty(), "{output}");
    }
    let patients = "select jsonb_agg(p.last_name || ' of ' || u.username order by p.id) \
        from patients p join users u on u.id = p.created_by";
    assert_eq!(app.value(patients).await, json!(["Doe of alice", "Doe of bob"]));
}
