//! `audit export`: the whole audit on the command line.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::support::{
    Client, PASSWORD, PATIENTS, TestApp, john_doe,
    program::{Directory, Program, program, run},
};

/// The records that a command with these arguments writes.
fn exported(dir: &Directory, arguments: &[&str], url: &str) -> Vec<Value> {
    let settings = [("DATABASE_URL", url), ("SECRET_KEY", "0123456789abcdef0123456789abcdef")];
    let settings = if url.is_empty() { &settings[..0] } else { &settings };
    let output = program(dir.path(), &[&["audit", "export"], arguments].concat(), settings).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn url(app: &TestApp) -> String {
    let options = &app.database.options;
    let socket = options.get_socket().map(|dir| format!("&host={}", dir.display())).unwrap_or_default();
    format!(
        "postgres://{}@{}:{}/{}?x=1{socket}",
        options.get_username(),
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap()
    )
    .replace("?x=1&", "?")
    .replace("?x=1", "")
}

#[tokio::test]
async fn writes_changes_events_and_reads_in_the_order_of_time_each_whole() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    app.sql(
        "select make_access_months('2020-01-01', '2020-02-28'); \
         insert into audit_log (at, actor_id, actor_email, via, request_id, table_name, row_id, action, new_values) \
             select timestamptz '2020-01-31 00:00Z' + n * interval '1 second', 1, 'a@example.com', 'api', 'c' || n, 'patients', \
                 n, 'INSERT', jsonb_build_object('name', n) from generate_series(0, 249) n; \
         insert into access_log (at, actor_id, actor_email, via, request_id, patient_ids, mapping_ids) \
             select timestamptz '2020-01-31 00:00Z' + n / 3 * interval '2 second', 1, 'a@example.com', 'api', 'r' || n, \
                 array[n], '{}' from generate_series(0, 349) n",
    )
    .await;
    let url = url(&app);
    let all = exported(&dir, &[], &url);
    assert_eq!(all.len(), 600);
    let key =
        |record: &Value| (record["at"].as_str().unwrap().to_owned(), record["record"] == "read", record["id"].as_i64());
    assert!(all.is_sorted_by_key(key));
    let mut change = all[0].clone();
    let id = change["id"].take();
    assert!(id.is_i64());
    assert_eq!(
        change,
        json!({
            "record": "change", "id": null, "at": "2020-01-31T00:00:00+00:00", "actor_id": 1, "actor_email": "a@example.com",
            "via": "api", "request_id": "c0", "address": null, "session_id": null, "event": null, "table_name": "patients",
            "row_id": 0, "action": "INSERT", "old_values": null, "new_values": {"name": 0},
        })
    );
    assert_eq!((&all[1]["record"], &all[1]["patient_ids"]), (&json!("read"), &json!([0])));
    let some = exported(&dir, &["--since", "2020-01-31T00:01:00Z", "--until", "2020-01-31T00:02:00Z"], &url);
    let expected: Vec<&Value> = all
        .iter()
        .filter(|record| ("2020-01-31T00:01:00+".."2020-01-31T00:02:00+").contains(&record["at"].as_str().unwrap()))
        .collect();
    assert_eq!(some.iter().collect::<Vec<_>>(), expected);
    assert!(exported(&dir, &["--since", "2020-02-01"], &url).is_empty());
    let wrong = program(dir.path(), &["audit", "export", "--since", "yesterday"], &[]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("not a time such as 2026-01-31"), "{wrong:?}");
}

#[tokio::test]
async fn works_beside_a_running_server_and_a_reader_who_has_enough_ends_it_quietly() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    let token = alice.post("/api/auth/tokens/", json!({"name": "Script"})).await.is(201).body;
    for _ in 0..300 {
        let patient = crate::support::with(john_doe(), json!({"medical_history": "x".repeat(2000)}));
        alice.post(PATIENTS, patient).await.is(201);
    }
    let output = run(dir.path(), &["audit", "export"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().count() >= 303 && text.contains("123 Health St"), "{}", text.lines().count());
    let token = token["token"].as_str().unwrap();
    for secret in [PASSWORD, "$argon2", &token[26..], alice.token(), "token_hash", "refresh_jti"] {
        assert!(!text.contains(secret), "{secret}");
    }
    let mut command = program(dir.path(), &["audit", "export"], &[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty() && line.starts_with('{'), "{ended:?}");
    alice.get(PATIENTS).await.is(200);
}
