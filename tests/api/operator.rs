//! Accounts that exist, from the command line, and what the audit says of its operator.

use std::{
    fs::File,
    io::Write,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::pty::openpty;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{
    config::url,
    support::{
        DOCTORS, LOGIN, MAPPINGS, ME, PASSWORD, PATIENTS, SECRET_KEY, TestApp, bad_token, detail, emily_carter,
        john_doe,
        program::{Directory, program},
    },
};

/// A command on the test's own database.
fn command(dir: &Directory, app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = program(dir.path(), arguments, &[("DATABASE_URL", &url(app)), ("SECRET_KEY", SECRET_KEY)]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command does and says: whether it succeeds, then its standard output or its standard error.
fn operate(app: &TestApp, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = command(&Directory::new(), app, arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    said(child.wait_with_output().unwrap())
}

fn said(output: Output) -> (bool, String) {
    let is_done = output.status.success();
    (is_done, String::from_utf8(if is_done { output.stdout } else { output.stderr }).unwrap())
}

#[track_caller]
pub fn does(app: &TestApp, arguments: &[&str], expected: &str) {
    assert_eq!(operate(app, arguments, PASSWORD), (true, format!("{expected}\n")));
}

#[track_caller]
pub fn refuses(app: &TestApp, arguments: &[&str], expected: &str) {
    assert_eq!(operate(app, arguments, PASSWORD), (false, format!("error: {expected}\n")));
}

fn operator() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).unwrap().unwrap();
    format!("cli:{}", user.name)
}

/// What the last command wrote into the audit: table, row, action, new values; all by the operator, under one id.
pub async fn audited(app: &TestApp) -> Value {
    let rows = app
        .value(
            "select jsonb_agg(to_jsonb(a) order by id) from audit_log a
             where request_id = (select request_id from audit_log where via = 'cli' order by id desc limit 1)",
        )
        .await;
    let rows = rows.as_array().unwrap();
    for row in rows {
        let actor = (&row["actor_id"], &row["actor_email"], &row["via"]);
        assert_eq!(actor, (&json!(0), &json!(operator()), &json!("cli")));
    }
    rows.iter().map(|row| json!([row["table_name"], row["row_id"], row["action"], row["new_values"]])).collect()
}

#[tokio::test]
async fn a_deactivated_account_is_logged_out_for_good_and_logs_in_anew_when_it_is_activated() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    does(
        &app,
        &["deactivateuser", "ALICE@example.com"],
        "User 'ALICE@example.com' is inactive now, and logged out everywhere.",
    );
    let rows = audited(&app).await;
    assert_eq!(rows[0], json!(["users", 1, "UPDATE", {"is_active": false}]));
    assert_eq!((&rows[1][0], &rows[1][1]), (&json!("sessions"), &json!(1)));
    assert_eq!(rows.as_array().unwrap().len(), 2);
    alice.get(ME).await.says(401, json!({"detail": "User is inactive", "code": "user_inactive"}));
    let credentials = json!({"email": "alice@example.com", "password": PASSWORD});
    let refusal = detail("No active account found with the given credentials");
    app.anonymous().post(LOGIN, credentials).await.says(401, refusal);
    refuses(&app, &["deactivateuser", "alice@example.com"], "user 'alice@example.com' is already inactive");

    does(&app, &["activateuser", "alice@example.com"], "User 'alice@example.com' can log in again.");
    assert_eq!(audited(&app).await, json!([["users", 1, "UPDATE", {"is_active": true}]]));
    alice.get(ME).await.says(401, bad_token("Token is invalid"));
    app.anonymous().logged_in("alice@example.com").await.get(ME).await.is(200);
    refuses(&app, &["activateuser", "alice@example.com"], "user 'alice@example.com' is already active");
    for command in ["activateuser", "deactivateuser", "deleteuser"] {
        refuses(
            &app,
            &[command, "nobody", "--yes"][..2 + usize::from(command == "deleteuser")],
            "user 'nobody' does not exist",
        );
    }
    bob.get(ME).await.is(200);
}

/// Waits until this many statements wait for a lock.
pub async fn waiting_for_a_lock(connection: &mut PgConnection, count: i64) {
    let begun = Instant::now();
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *connection).await.unwrap() < count {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A login of alice's that is under way: her second session is not committed yet.
async fn login_under_way(app: &TestApp) -> PgConnection {
    let mut login = app.connection().await;
    let begun = "begin; select act_as(1, 'alice@example.com', 'api', 'test'); update users set last_login = now();
        insert into sessions (user_id, expires_at, user_agent, address) values (1, now() + '1 day', '', '')";
    sqlx::raw_sql(begun).execute(&mut login).await.unwrap();
    login
}

/// Commits it as soon as something waits for it.
async fn ends_when_waited_for(app: &TestApp, mut login: PgConnection) {
    waiting_for_a_lock(&mut app.connection().await, 1).await;
    sqlx::raw_sql("commit").execute(&mut login).await.unwrap();
}

/// The sessions that go on, and how many there are.
async fn sessions(app: &TestApp) -> Value {
    app.value("select jsonb_build_array(array(select id from sessions where ended_at is null), count(*)) from sessions")
        .await
}

#[tokio::test]
async fn a_login_that_is_under_way_while_a_command_changes_its_account_ends_too() {
    for arguments in
        [&["deactivateuser", "alice@example.com"][..], &["changepassword", "alice@example.com", "--password-stdin"]]
    {
        let app = TestApp::start().await;
        app.user("alice").await;
        let login = login_under_way(&app).await;
        let directory = Directory::new();
        let mut child = command(&directory, &app, arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"StrongerPass456").unwrap();
        ends_when_waited_for(&app, login).await;
        assert!(said(child.wait_with_output().unwrap()).0);
        assert_eq!(sessions(&app).await, json!([[], 2]), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_login_that_is_under_way_while_its_password_is_changed_ends_and_the_one_that_changes_it_goes_on() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let login = login_under_way(&app).await;
    let change = json!({"old_password": PASSWORD, "new_password": "StrongerPass456"});
    let (changed, ()) =
        tokio::join!(alice.post("/api/auth/password/change/", change), ends_when_waited_for(&app, login));
    changed.is(200);
    assert_eq!(sessions(&app).await, json!([[1], 2]));
    alice.get(ME).await.is(200);
}

#[tokio::test]
async fn a_deleted_account_goes_with_its_patients_and_nobody_else_s_and_the_audit_stays() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    alice.post(DOCTORS, emily_carter()).await.is(201);
    for (client, patient) in [(&alice, 1), (&alice, 2), (&bob, 3)] {
        client.post(PATIENTS, john_doe()).await.is(201);
        client.post(MAPPINGS, json!({"patient": patient, "doctor": 1})).await.is(201);
    }
    let delete = ["deleteuser", "alice@example.com", "--yes"];
    refuses(&app, &delete[..2], "no terminal to ask at: use --yes");
    let goes = "User alice@example.com goes with its patients (2) and their mappings (2); the audit stays.";
    does(&app, &delete, &format!("{goes}\nUser 'alice@example.com' is deleted."));
    let rows = audited(&app).await;
    let rows = rows.as_array().unwrap().iter();
    let mut deleted: Vec<String> = rows.map(|row| json!([row[2], row[0], row[1]]).to_string()).collect();
    deleted.sort();
    let expected = [
        "patient_doctor_mappings\",1",
        "patient_doctor_mappings\",2",
        "patients\",1",
        "patients\",2",
        "sessions\",1",
        "users\",1",
    ];
    assert_eq!(deleted, expected.map(|row| format!("[\"DELETE\",\"{row}]")));
    alice.get(ME).await.says(401, json!({"detail": "User not found", "code": "user_not_found"}));
    assert_eq!(bob.get(MAPPINGS).await.is(200).body.as_array().unwrap().len(), 1);
    assert_eq!(bob.get(DOCTORS).await.is(200).body.as_array().unwrap().len(), 1);
    let made =
        app.value("select count(*) from audit_log where actor_email = 'alice@example.com' and table_name = 'patients'");
    assert_eq!(made.await, 2);
    refuses(&app, &delete, "user 'alice@example.com' does not exist");
}

#[tokio::test]
async fn at_a_terminal_a_deletion_is_asked_about() {
    let app = TestApp::start().await;
    app.user("alice").await;
    let asked = "User alice@example.com goes with its patients (0) and their mappings (0); the audit stays.\n\
        Type 'yes' to delete them, or 'no' to cancel: ";
    for (answer, expected, rest, left) in [
        ("no\n", Some(1), "", 1),
        ("y\n", Some(1), "", 1),
        ("yes\n", Some(0), "User 'alice@example.com' is deleted.\n", 0),
    ] {
        let terminal = openpty(None, None).unwrap();
        let directory = Directory::new();
        let mut command = command(&directory, &app, &["deleteuser", "alice@example.com"]);
        let child = command.stdin(terminal.slave).spawn().unwrap();
        File::from(terminal.master.try_clone().unwrap()).write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stdout)),
            (expected, format!("{asked}{rest}").into())
        );
        assert_eq!(output.stderr.is_empty(), left == 0);
        assert_eq!(app.value("select count(*) from users").await, left);
    }
}

#[tokio::test]
async fn the_last_active_superuser_stays() {
    let app = TestApp::start().await;
    let create = |email| ["createsuperuser", "--name", "Root", "--password-stdin", "--email", email];
    does(&app, &create("root@example.org"), "Superuser created successfully.");
    let last = "user 'root@example.org' is the last active superuser: make another with createsuperuser first";
    refuses(&app, &["deactivateuser", "root@example.org"], last);
    let (is_done, said) = operate(&app, &["deleteuser", "root@example.org", "--yes"], "");
    assert_eq!((is_done, said), (false, format!("error: {last}\n")));
    does(&app, &create("other@example.org"), "Superuser created successfully.");
    does(
        &app,
        &["deactivateuser", "other@example.org"],
        "User 'other@example.org' is inactive now, and logged out everywhere.",
    );
    // one who is inactive counts for nothing
    refuses(&app, &["deactivateuser", "root@example.org"], last);
    assert!(operate(&app, &["deleteuser", "other@example.org", "--yes"], "").0);
    assert_eq!(app.value("select jsonb_agg(email) from users where is_active").await, json!(["root@example.org"]));
}

#[tokio::test]
async fn of_superusers_who_go_at_once_one_stays() {
    let app = TestApp::start().await;
    for (first, second) in
        [("deactivateuser", "deactivateuser"), ("deleteuser", "deactivateuser"), ("deleteuser", "deleteuser")]
    {
        app.sql(
            "delete from users; insert into users (email, name, password_hash, is_staff, is_superuser)
             values ('a@example.org', 'A', '', true, true), ('b@example.org', 'B', '', true, true)",
        )
        .await;
        let mut other = app.connection().await;
        sqlx::raw_sql("begin; select from users for update").execute(&mut other).await.unwrap();
        let directory = Directory::new();
        let children = [(first, "a@example.org"), (second, "b@example.org")].map(|(what, who)| {
            let arguments = [what, who, "--yes"];
            let arguments = &arguments[..if what == "deleteuser" { 3 } else { 2 }];
            command(&directory, &app, arguments).spawn().unwrap()
        });
        waiting_for_a_lock(&mut app.connection().await, 2).await;
        sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
        let done = children.map(|child| said(child.wait_with_output().unwrap()));
        assert_eq!(done.iter().filter(|(is_done, _)| *is_done).count(), 1, "{done:?}");
        let refusal = done.iter().find(|(is_done, _)| !is_done).unwrap();
        assert!(refusal.1.contains("is the last active superuser"), "{refusal:?}");
        assert_eq!(app.value("select count(*) from users where is_active").await, 1);
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_sessions() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let login = |password: &str| json!({"email": "alice@example.com", "password": password});
    let change = ["changepassword", "alice@example.com", "--password-stdin"];
    let changed = "Password changed successfully for user 'alice@example.com'\n";
    assert_eq!(operate(&app, &change, "AnotherPass456\n"), (true, changed.into()));
    let rows = audited(&app).await;
    assert_eq!(rows[0], json!(["users", 1, "UPDATE", {"password_hash": "********"}]));
    assert_eq!((&rows[1][0], &rows[1][1]), (&json!("sessions"), &json!(1)));
    alice.get(ME).await.says(401, bad_token("Token is invalid"));
    app.anonymous().post(LOGIN, login(PASSWORD)).await.is(401);
    app.anonymous().post(LOGIN, login("AnotherPass456")).await.is(200);
}
