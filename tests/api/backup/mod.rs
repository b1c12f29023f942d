//! `backup` and `restore`: what comes back, in another place, is what was there.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Output,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};

use crate::support::{
    Client, DOCTORS, MAPPINGS, PATIENTS, emily_carter, john_doe,
    program::{Directory, Program, no_postgres_is_left_in, program},
    with,
};

mod others_database;
mod refusals;
mod upgrade;

/// Runs a command to its end, while others go on.
async fn run(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = program(dir, arguments, settings);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Runs a command, which succeeds.
async fn does(dir: &Path, arguments: &[&str]) -> String {
    succeeded(&run(dir, arguments, &[]).await)
}

#[track_caller]
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs a command that is refused, and gives its words.
async fn refuses(dir: &Path, arguments: &[&str]) -> String {
    let output = run(dir, arguments, &[]).await;
    assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
    String::from_utf8(output.stderr).unwrap()
}

fn options(dir: &Path) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass().username("postgres").database("healthcare");
    options.socket(dir.join("data/socket"))
}

async fn connect(dir: &Path) -> PgConnection {
    options(dir).connect().await.unwrap()
}

async fn value(connection: &mut PgConnection, query: &str) -> Value {
    let sql = AssertSqlSafe(format!("select to_jsonb(({query}))"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Every row of every table, as PostgreSQL writes it.
async fn rows(connection: &mut PgConnection) -> BTreeMap<String, Value> {
    let tables = "select jsonb_agg(oid::regclass::text) from pg_class \
                  where relkind = 'r' and relnamespace = 'public'::regnamespace";
    let mut rows = BTreeMap::new();
    for table in value(connection, tables).await.as_array().unwrap() {
        let table = table.as_str().unwrap();
        let query = format!("select coalesce(jsonb_agg(t::text order by t::text), '[]') from {table} t");
        rows.insert(table.to_owned(), value(connection, &query).await);
    }
    rows
}

/// Writers who add, change and delete, until they are told to stop.
async fn write(client: Client, name: String, acknowledged: &AtomicUsize, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(SeqCst) {
        number += 1;
        let patient = client.post(PATIENTS, john_doe()).await.is(201).body["id"].to_string();
        let path = format!("{PATIENTS}{patient}/");
        client.patch(&path, json!({ "address": format!("{number} \\ \t'§' Street\nTown") })).await.is(200);
        let license = json!(format!("{name} {number}"));
        let doctor = with(emily_carter(), json!({ "license_number": license, "email": null }));
        let doctor = client.post(DOCTORS, doctor).await.is(201).body["id"].clone();
        client.post(MAPPINGS, json!({ "patient": patient, "doctor": doctor })).await.is(201);
        if number % 3 == 0 {
            client.delete(&path).await.is(204);
        }
        acknowledged.fetch_add(1, SeqCst);
    }
}

async fn until(acknowledged: &AtomicUsize, count: usize) {
    while acknowledged.load(SeqCst) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Patients that were made without an audit row, or the other way round.
const TORN: &str = "select count(*) from patients p full join (
    select row_id from audit_log where table_name = 'patients' group by row_id having bool_and(action <> 'DELETE')) a
    on a.row_id = p.id where p.id is null or a.row_id is null";

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_writers_write_is_of_one_moment_and_loses_nothing_acknowledged() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let (acknowledged, stop) =
        (&*Box::leak(Box::new(AtomicUsize::new(0))), &*Box::leak(Box::new(AtomicBool::new(false))));
    let mut writers = Vec::new();
    for name in ["alice", "bob", "carol"] {
        let client = Client::at(&server.address).registered(name).await;
        writers.push(tokio::spawn(write(client, name.to_owned(), acknowledged, stop)));
    }
    until(acknowledged, 10).await;
    let before = value(&mut connect(dir.path()).await, "select jsonb_agg(id) from doctors").await;
    let count = acknowledged.load(SeqCst);
    does(dir.path(), &["backup", "a.backup"]).await;
    assert!(acknowledged.load(SeqCst) > count, "nobody wrote meanwhile");
    stop.store(true, SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let now = rows(&mut connect(dir.path()).await).await;

    let other = Directory::new();
    let backup = dir.path().join("a.backup");
    does(other.path(), &["restore", backup.to_str().unwrap()]).await;
    let _restored = Program::start(other.path(), &[]);
    let mut connection = connect(other.path()).await;
    assert_eq!(value(&mut connection, TORN).await, 0);
    let missing = format!(
        "select count(*) from jsonb_array_elements('{before}') b where b::bigint not in (select id from doctors)"
    );
    assert_eq!(value(&mut connection, &missing).await, 0);
    // what never changes is as it is in the place that was backed up
    for table in ["audit_log", "patient_doctor_mappings"] {
        let restored = rows(&mut connection).await;
        let (restored, now) = (restored[table].as_array().unwrap(), now[table].as_array().unwrap());
        let is_there = |row: &&Value| now.contains(row);
        let gone = restored.iter().filter(|row| !is_there(row)).count();
        assert!(!restored.is_empty() && restored.len() <= now.len(), "{table}");
        // a mapping goes with its patient
        assert!(gone == 0 || table != "audit_log", "{table}: {gone} rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_comes_back_and_is_served_and_protected() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    let bob = Client::at(&server.address).registered("bob").await;
    let (acknowledged, stop) =
        (&*Box::leak(Box::new(AtomicUsize::new(0))), &*Box::leak(Box::new(AtomicBool::new(false))));
    let writer = tokio::spawn(write(alice.clone(), "alice".into(), acknowledged, stop));
    until(acknowledged, 4).await;
    stop.store(true, SeqCst);
    writer.await.unwrap();
    bob.post(PATIENTS, john_doe()).await.is(201);
    let seen = alice.get(PATIENTS).await.is(200).body;
    let history = alice.get("/api/patients/1/history/").await.is(200).body;
    server.stop();

    // with nothing running, the command runs PostgreSQL itself
    let said = does(dir.path(), &["backup", "a.backup"]).await;
    assert!(
        said.starts_with("a.backup is the backup of PostgreSQL ") && said.ends_with("was read back whole.\n"),
        "{said}"
    );
    no_postgres_is_left_in(dir.path());
    let other = Directory::new();
    let backup = dir.path().join("a.backup");
    let said = does(other.path(), &["restore", backup.to_str().unwrap()]).await;
    assert!(said.contains("a.backup is restored into PostgreSQL "), "{said}");
    no_postgres_is_left_in(other.path());

    let _server = Program::start(dir.path(), &[]);
    let restored = Program::start(other.path(), &[]);
    let expected = rows(&mut connect(dir.path()).await).await;
    let mut connection = connect(other.path()).await;
    assert_eq!(rows(&mut connection).await, expected);
    for table in ["users", "sessions", "patients", "doctors", "patient_doctor_mappings", "audit_log"] {
        assert_ne!(expected[table], json!([]), "{table}");
    }
    let schema = async |connection: &mut PgConnection| {
        let kinds = "select jsonb_agg(x order by x) from (
            select tgname || ' ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
            union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
            union all select indexdef from pg_indexes where schemaname = 'public'
            union all select proname || prosrc from pg_proc where pronamespace = 'public'::regnamespace) s (x)";
        value(connection, kinds).await
    };
    assert_eq!(schema(&mut connection).await, schema(&mut connect(dir.path()).await).await);

    let alice = Client::at(&restored.address).logged_in("alice@example.com").await;
    alice.get(PATIENTS).await.says(200, seen);
    alice.get("/api/patients/1/history/").await.says(200, history);
    let last = value(&mut connection, "select max(id) from patients").await.as_i64().unwrap();
    let id = alice.post(PATIENTS, john_doe()).await.is(201).body["id"].clone();
    assert!(id.as_i64().unwrap() > last);
    for (forbidden, why) in [
        ("delete from audit_log", "audit_log is append-only"),
        ("truncate audit_log", "audit_log is append-only"),
        (
            "update doctors set first_name = 'X'",
            "no actor set: call act_as(…) in this transaction before you write to doctors",
        ),
    ] {
        let error = sqlx::query(forbidden).execute(&mut connection).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().message(), why);
    }
}
