//! What the records say after a server was killed while it was written to and read from.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};
use tokio::{sync::Mutex, task::JoinSet};

use super::recorder::program;
use crate::support::{Client, PATIENTS, TestApp, john_doe, program::Directory};

/// The ids of requests that were answered, when, and how long each took.
type Answered = Arc<Mutex<Vec<(String, Instant, Duration)>>>;

/// Sends a request, and notes that it was answered. None: the server is no more.
async fn send(client: &Client, method: &str, path: &str, body: &Value, answered: &Answered) -> Option<Value> {
    let begun = Instant::now();
    let response = client.request(method, path).json(body).send().await.ok()?;
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(response.status().is_success(), "{method} {path}: {}", response.status());
    let text = response.text().await.ok()?;
    answered.lock().await.push((id, Instant::now(), begun.elapsed()));
    Some(serde_json::from_str(&text).unwrap_or_default())
}

/// Adds patients, changes and deletes them, until the server is no more.
async fn write(client: Client, answered: Answered) -> Option<()> {
    loop {
        let made = send(&client, "POST", PATIENTS, &john_doe(), &answered).await?;
        let path = format!("{PATIENTS}{}/", made["id"]);
        for gender in ["F", "O"] {
            send(&client, "PATCH", &path, &json!({ "gender": gender }), &answered).await?;
        }
        if made["id"].as_i64().unwrap() % 2 == 0 {
            send(&client, "DELETE", &path, &json!({}), &answered).await?;
        }
    }
}

/// Reads the list of patients until the server is no more.
async fn read(client: Client, answered: Answered) -> Option<()> {
    loop {
        send(&client, "GET", "/api/patients/?limit=3", &json!({}), &answered).await?;
    }
}

/// What the patients are according to the audit: each row as it was added, with its changes, unless it was deleted.
fn replayed(audit: &Value) -> BTreeMap<i64, Map<String, Value>> {
    let mut rows = BTreeMap::new();
    for entry in audit.as_array().unwrap() {
        let id = entry["row_id"].as_i64().unwrap();
        let new = entry["new_values"].as_object().cloned().unwrap_or_default();
        match entry["action"].as_str().unwrap() {
            "INSERT" => assert!(rows.insert(id, new).is_none()),
            "UPDATE" => {
                let row: &mut Map<String, Value> = rows.get_mut(&id).unwrap();
                for (field, old) in entry["old_values"].as_object().unwrap() {
                    assert_eq!(&row[field], old);
                }
                row.extend(new);
            }
            _ => assert_eq!(rows.remove(&id).as_ref(), entry["old_values"].as_object()),
        }
    }
    rows
}

#[tokio::test]
async fn a_change_is_in_the_audit_if_and_only_if_it_is_in_the_database() {
    let app = TestApp::start().await;
    // from the beginning there is something to see
    app.user("alice").await.post(PATIENTS, john_doe()).await.is(201);
    let dir = Directory::new();
    let (writes, reads) = (Answered::default(), Answered::default());
    let mut kills = Vec::new();
    for round in 0..4 {
        let (server, anybody) = program(&app, &dir, &[]);
        let alice = anybody.logged_in("alice@example.com").await;
        let mut clients = JoinSet::new();
        for _ in 0..4 {
            clients.spawn(write(alice.clone(), writes.clone()));
        }
        clients.spawn(read(alice, reads.clone()));
        tokio::time::sleep(Duration::from_millis(2500 + 117 * round)).await;
        kills.push(Instant::now());
        server.signal(Signal::SIGKILL);
        server.end();
        clients.join_all().await;
    }
    let audit = app.value(
        "select jsonb_agg(jsonb_build_object('row_id', row_id, 'action', action, 'old_values', old_values, \
             'new_values', new_values) order by id) from audit_log where table_name = 'patients'",
    );
    let rows = app
        .value("select jsonb_agg(to_jsonb(p) - array['updated_at', 'version', 'search'] order by id) from patients p");
    let rows = rows.await;
    let rows =
        rows.as_array().unwrap().iter().map(|row| (row["id"].as_i64().unwrap(), row.as_object().unwrap().clone()));
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), replayed(&audit.await));

    let ids = app.value("select jsonb_agg(distinct request_id) from audit_log").await;
    let ids: Vec<&str> = ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let writes = writes.lock().await;
    assert!(writes.len() > 100, "{}", writes.len());
    for (id, ..) in writes.iter() {
        assert!(ids.contains(&id.as_str()), "an answer was given, and nothing was written: {id}");
    }

    let ids = app.value("select jsonb_agg(request_id order by id) from access_log").await;
    let ids: Vec<&str> = ids.as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let reads = reads.lock().await;
    // a machine that is busy with other things writes later: a batch is two statements, and waits for the one before it
    let slowest = writes.iter().map(|(.., took)| *took).max().unwrap_or_default();
    let second = Duration::from_secs(1).max(slowest * 4);
    // an answer of a server that was killed may be noted a little later
    let is_old = |at: &Instant| kills.iter().all(|kill| *at > *kill + second || *kill > *at + second);
    let old: Vec<&str> = reads.iter().filter(|(_, at, _)| is_old(at)).map(|(id, ..)| id.as_str()).collect();
    assert!(old.len() > 20, "{} of {}, {slowest:?}", old.len(), reads.len());
    for id in old {
        assert_eq!(ids.iter().filter(|other| **other == id).count(), 1, "more than a second is lost: {id}");
    }
}
