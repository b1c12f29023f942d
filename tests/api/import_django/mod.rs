//! `import-django`: what it takes, what it refuses, and that it does one or the other whole. Databases that Django itself
//! made are in tests/django.

use std::process::Output;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    config::url,
    support::{
        Client, SECRET_KEY, TestApp, john_doe,
        program::{Directory, Program, program},
    },
};

mod names;

/// The tables of README A's service, without rows.
const TABLES: &str = "
    create table accounts_user (id bigint primary key, password varchar(128) not null, last_login timestamptz,
        email varchar(254), username text, name text, first_name text, last_name text, is_active boolean,
        is_staff boolean, date_joined timestamptz);
    create table api_patient (id bigint primary key, first_name text, last_name text, date_of_birth date, gender text,
        address text, phone_number text, email text, medical_history text, created_at timestamptz,
        created_by_id bigint references accounts_user);
    create table api_doctor (id bigint primary key, first_name text, last_name text, specialty text, phone_number text,
        email text, license_number text, created_at timestamptz);
    create table api_patientdoctormapping (id bigint primary key, patient_id bigint references api_patient,
        doctor_id bigint references api_doctor, assigned_at timestamptz);
";

/// "StrongPass123", as Django 5.2 hashes it.
const HASH: &str =
    "argon2$argon2id$v=19$m=102400,t=2,p=8$MnRzNVNzRVlvRE50QkxRZnNTRExESg$ZtnrBpeGmo3s7I8L5OePhGSg8s+bAkptqq1O2pMgeuM";

/// A user, a patient, a doctor and a mapping that can be taken.
fn good_rows() -> String {
    format!(
        "insert into accounts_user values (3, '{HASH}', null, 'Ada@Example.com', 'ada', 'Ada Lovelace', '', '', true,
            true, '2020-01-02 03:04:05.678+00');
         insert into api_patient values (5, 'John', 'Doe', '1990-01-01', 'M', '1 Health St', '123', '', null,
            '2021-01-02 03:04:05+00', 3);
         insert into api_doctor values (7, 'Emily', 'Carter', 'Cardiology', '987', '', '', '2021-01-02 03:04:05+00');
         insert into api_patientdoctormapping values (9, 5, 7, '2021-02-03 04:05:06+00');"
    )
}

/// A database with these tables and rows of Django's.
async fn django(sql: &str) -> TestApp {
    let app = TestApp::start().await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut app.connection().await).await.unwrap();
    app
}

/// Runs the command on the database of `app`.
fn import(app: &TestApp, arguments: &[&str]) -> Output {
    let dir = Directory::new();
    let arguments: Vec<&str> = std::iter::once("import-django").chain(arguments.iter().copied()).collect();
    let settings = [("DATABASE_URL", &*url(app)), ("SECRET_KEY", SECRET_KEY)];
    program(dir.path(), &arguments, &settings).output().unwrap()
}

/// The lines that it printed on standard error.
#[track_caller]
fn complaints(output: &Output, status: i32) -> Vec<String> {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    String::from_utf8_lossy(&output.stderr).lines().map(ToOwned::to_owned).collect()
}

/// What it printed in the line of a table: rows before, read, taken, there, refused and after.
fn counted(output: &Output, kind: &str) -> Vec<u64> {
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = printed.lines().find(|line| line.starts_with(kind)).unwrap_or_else(|| panic!("{kind}: {printed}"));
    line.split_whitespace().skip(2).map(|number| number.parse().unwrap()).collect()
}

async fn rows(app: &TestApp) -> Value {
    app.value(
        "select jsonb_build_array((select count(*) from users), (select count(*) from patients),
            (select count(*) from doctors), (select count(*) from patient_doctor_mappings),
            (select count(*) from audit_log))",
    )
    .await
}

#[tokio::test]
async fn ids_owners_and_times_are_kept_and_the_audit_says_who_wrote() {
    let source = django(&format!("{TABLES} {}", good_rows())).await;
    let app = TestApp::start().await;
    let from = url(&source);
    let output = import(&app, &["--from", &from]);
    assert_eq!(complaints(&output, 0), [""; 0]);
    for kind in ["users", "patients", "doctors", "mappings"] {
        assert_eq!(counted(&output, kind), [0, 1, 1, 0, 0, 1], "{kind}");
    }
    let user = app.value("select to_jsonb(u) - 'updated_at' from users u").await;
    assert_eq!(
        user,
        json!({"id": 3, "email": "Ada@example.com", "username": "ada", "name": "Ada Lovelace", "password_hash": HASH,
            "is_active": true, "is_staff": true, "is_superuser": false, "version": 1, "last_login": null,
            "date_joined": "2020-01-02T03:04:05.678+00:00"})
    );
    let ada = app.anonymous().logged_in("ada@example.com").await;
    let times = json!({"created_at": "2021-01-02T03:04:05Z", "updated_at": "2021-01-02T03:04:05Z"});
    let patient = ada.get("/api/patients/5/").await.is(200).body;
    assert_eq!(json!({"created_at": patient["created_at"], "updated_at": patient["updated_at"]}), times);
    assert_eq!((&patient["created_by"], &patient["medical_history"]), (&json!("Ada@example.com"), &json!("")));
    let doctor = ada.get("/api/doctors/7/").await.is(200).body;
    assert_eq!((&doctor["email"], &doctor["license_number"]), (&json!(null), &json!(null)));
    let mapping = ada.get("/api/mappings/").await.is(200).body;
    assert_eq!(mapping[0]["assigned_at"], json!("2021-02-03T04:05:06Z"));
    // what is made now has higher ids
    assert_eq!(ada.post("/api/patients/", john_doe()).await.is(201).body["id"], 6);
    let audit = app.value(
        "select jsonb_agg(jsonb_build_array(actor_id, actor_email, via, table_name, row_id, action) order by id)
         from audit_log where actor_email = 'import-django'",
    );
    let row = |table: &str, id: i64| json!([0, "import-django", "system", table, id, "INSERT"]);
    let tables = [("users", 3), ("patients", 5), ("doctors", 7), ("patient_doctor_mappings", 9)];
    assert_eq!(audit.await, json!(tables.map(|(table, id)| row(table, id))));
    let hashes = app.value("select count(*) from audit_log where new_values::text like '%argon2%'");
    assert_eq!(hashes.await, 0);
    // and again, although the hash has been renewed
    let output = import(&app, &["--from", &from]);
    assert_eq!(complaints(&output, 0), [""; 0]);
    assert_eq!(counted(&output, "users"), [1, 1, 0, 1, 0, 1]);
    assert_eq!(counted(&output, "patients"), [2, 1, 0, 1, 0, 2]);
}

const BAD_ROWS: &str = "
    insert into accounts_user (id, password, email, username, name) values
        (10, '!', 'ADA@example.com', null, 'Dup'),
        (11, '!', '', 'noaddress', 'X'),
        (12, '!', 'not an address', null, 'X'),
        (13, '!', 'x@example.com', 'ADA', 'X'),
        (14, '!', 'y@example.com', 'somebody@example.org', 'X'),
        (15, 'md5$salt$hash', 'z@example.com', null, repeat('x', 151)),
        (16, 'pbkdf2_sha256$20000000$salt$ZpVYRSXQ2M0wph4YhJYSihxfkNjhGvur3f8AYwtCBxU=', 'w@example.com', null, 'X');
    insert into accounts_user (id, password, email, name, date_joined) values (17, '!', 'v@example.com', 'X', 'infinity');
    insert into api_patient (id, first_name, last_name, date_of_birth, gender, phone_number, email, created_by_id) values
        (20, 'Secret', 'Secret', '1990-01-01', 'Secret', '', '', 3),
        (21, 'Secret', 'Secret', 'infinity', 'F', repeat('7', 21), 'Secret', 3),
        (22, 'Secret', 'Secret', '0044-03-15 BC', 'F', '', '', null),
        (23, '', repeat('Secret', 30), '2999-01-01', null, '', '', 3),
        (24, 'Secret', 'Secret', '1990-01-01', 'F', '', '', 10);
    insert into api_doctor (id, first_name, last_name, specialty, email, license_number) values
        (30, 'Emily', '', 'Cardiology', 'doc@example.com', 'L1'),
        (31, 'Emily', 'X', '', 'DOC@example.com', 'L1'),
        (32, 'Emily', 'X', 'Cardiology', 'DOC@example.com', 'L1');
    insert into api_patientdoctormapping values (40, 5, 7, null), (41, 20, 7, null), (42, 5, null, null), (-1, 5, 30, null);
";

#[tokio::test]
async fn what_can_not_be_taken_is_reported_row_by_row_without_a_value_and_nothing_is_taken() {
    let source = django(&format!("{TABLES} {} {BAD_ROWS}", good_rows())).await;
    let app = TestApp::start().await;
    let from = url(&source);
    let too_long = "Ensure this field has no more than 150 characters.";
    let mut reported: Vec<String> = [
        "accounts_user 11: email: This field may not be blank.",
        "accounts_user 12: email: Enter a valid email address.",
        "accounts_user 14: username: A username with an @ must be your own email address.",
        &format!("accounts_user 15: password: This hash is of a kind that can't be verified. name: {too_long}"),
        "accounts_user 16: password: This hash takes too much time or memory to verify.",
        "accounts_user 17: date_joined: This time is not in the years 1 to 9999.",
        "accounts_user 10: email: user with this email already exists. (row 3)",
        "accounts_user 13: username: A user with that username already exists. (row 3)",
        "api_patient 20: gender: This is not one of M, F, O, male, female and other.",
        "api_patient 21: date_of_birth: Date has wrong format. Use one of these formats instead: YYYY-MM-DD. phone_number: Ensure this field has no more than 20 characters. email: Enter a valid email address.",
        "api_patient 22: created_by: This field may not be null. date_of_birth: Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
        &format!(
            "api_patient 23: first_name: This field may not be blank. last_name: {too_long} date_of_birth: Date of birth cannot be in the future. gender: This field is required."
        ),
        "api_patient 24: created_by: Row 10 of the users is not taken.",
        "api_doctor 31: specialty: This field may not be blank.",
        "api_doctor 32: email: doctor with this email already exists. (row 30) license_number: doctor with this license number already exists. (row 30)",
        "api_patientdoctormapping -1: id: An id is 1 or more.",
        "api_patientdoctormapping 41: patient: Row 20 of the patients is not taken.",
        "api_patientdoctormapping 42: doctor: This field may not be null.",
        "api_patientdoctormapping 40: non_field_errors: The fields patient, doctor must make a unique set. (row 9)",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    let before = rows(&app).await;
    for arguments in [&["--from", &*from][..], &["--from", &from, "--dry-run"]] {
        let output = import(&app, arguments);
        let mut complaints = complaints(&output, 1);
        assert!(!format!("{output:?}").contains("Secret"), "{output:?}");
        let error =
            "error: nothing is taken: correct the rows that can't be (19), or leave them behind with --skip-invalid";
        assert_eq!(complaints.pop().unwrap(), error);
        complaints.sort();
        reported.sort();
        assert_eq!(complaints, reported);
        assert_eq!(counted(&output, "users"), [0, 9, 1, 0, 8, 1]);
        assert_eq!(rows(&app).await, before);
    }
    let output = import(&app, &["--from", &from, "--skip-invalid", "--dry-run"]);
    assert_eq!(complaints(&output, 0).len(), 19);
    assert_eq!(rows(&app).await, before);

    let output = import(&app, &["--from", &from, "--skip-invalid"]);
    assert_eq!(complaints(&output, 0).len(), 19);
    assert_eq!(counted(&output, "doctors"), [0, 4, 2, 0, 2, 2]);
    assert_eq!(rows(&app).await, json!([1, 1, 2, 1, 5]));
}

#[tokio::test]
async fn patients_never_go_to_somebody_else_who_has_the_id_of_their_owner() {
    let source = django(&format!("{TABLES} {}", good_rows())).await;
    let app = TestApp::start().await;
    for name in ["alice", "bob", "carol"] {
        app.user(name).await;
    }
    let output = import(&app, &["--from", &url(&source), "--skip-invalid"]);
    assert_eq!(
        complaints(&output, 0),
        [
            "accounts_user 3: the row here with this id has another email, username, name, is_staff, date_joined",
            "api_patient 5: created_by: Row 3 of the users is not taken.",
            "api_patientdoctormapping 9: patient: Row 5 of the patients is not taken.",
        ]
    );
    assert_eq!(app.anonymous().logged_in("carol@example.com").await.get("/api/patients/").await.body, json!([]));
}

#[tokio::test]
async fn a_row_that_was_changed_here_meanwhile_is_reported_and_stays() {
    let source = django(&format!("{TABLES} {}", good_rows())).await;
    let app = TestApp::start().await;
    let from = url(&source);
    complaints(&import(&app, &["--from", &from]), 0);
    let ada = app.anonymous().logged_in("ada@example.com").await;
    ada.patch("/api/patients/5/", json!({"address": "Elsewhere", "gender": "O"})).await.is(200);
    let output = import(&app, &["--from", &from]);
    assert_eq!(complaints(&output, 1)[0], "api_patient 5: the row here with this id has another gender, address");
    assert_eq!(ada.get("/api/patients/5/").await.body["address"], "Elsewhere");
}

#[tokio::test]
async fn the_same_database_may_hold_both_but_for_tables_of_one_name() {
    let app =
        django("drop schema public cascade; create schema public; create table django_migrations (id int);").await;
    let sql = format!("{TABLES} {}", good_rows());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut app.connection().await).await.unwrap();
    let tables = "select count(*) from pg_tables where schemaname = 'public'";
    let output = import(&app, &["--dry-run"]);
    assert_eq!(complaints(&output, 0), [""; 0]);
    assert_eq!(app.value(tables).await, 5);

    let mut connection = app.connection().await;
    sqlx::raw_sql("alter table api_patient rename to patients").execute(&mut connection).await.unwrap();
    let said = complaints(&import(&app, &[]), 1).join("\n");
    assert!(said.contains("it has tables with the names of tables of this server (patients): make an empty"), "{said}");
    assert_eq!(app.value(tables).await, 5);
    sqlx::raw_sql("alter table patients rename to api_patient").execute(&mut connection).await.unwrap();

    // nothing is kept of the schema either if a row is refused
    sqlx::raw_sql("update accounts_user set email = ''").execute(&mut connection).await.unwrap();
    complaints(&import(&app, &[]), 1);
    assert_eq!(app.value(tables).await, 5);
    sqlx::raw_sql("update accounts_user set email = 'ada@example.com'").execute(&mut connection).await.unwrap();

    complaints(&import(&app, &[]), 0);
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[("DATABASE_URL", &url(&app)), ("SECRET_KEY", SECRET_KEY)]);
    let ada = Client::at(&server.address).logged_in("ada@example.com").await;
    assert_eq!(ada.get("/api/patients/5/").await.is(200).body["first_name"], "John");
}
