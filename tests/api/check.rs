//! `check`, and `check --deploy`.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{
    config::url,
    support::{
        SECRET_KEY, TestApp,
        program::{Directory, Program, program, run},
    },
};

const CLEAN: &str = "System check identified no issues.\n";
/// Settings that nothing is to be said of.
const GOOD: [(&str, &str); 4] = [
    ("ALLOWED_HOSTS", "api.example.org"),
    ("AUDIT_RETENTION", "3650days"),
    ("REGISTRATION", "closed"),
    ("DOCTORS_EDITED_BY", "staff"),
];

/// What it prints, and whether it succeeds.
fn checked(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String) {
    let output = program(dir, &[&["check"], arguments].concat(), settings).output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// What it prints with `--deploy`, each with its severity, without what to do; and whether it succeeds.
fn found(dir: &Path, settings: &[(&str, &str)]) -> (bool, Vec<String>) {
    let (is_good, said) = checked(dir, &["--deploy"], settings);
    let lines =
        said.lines().filter(|line| ["error: ", "warning: ", "note: "].iter().any(|word| line.starts_with(word)));
    (is_good, lines.map(ToOwned::to_owned).collect())
}

#[test]
fn the_defaults_are_good_for_a_start_and_nothing_is_made() {
    let dir = Directory::new();
    assert_eq!(checked(dir.path(), &[], &[]), (true, CLEAN.into()));
    let warned = "System check identified some issues:

warning: AUDIT_RETENTION is not set: the records of who read which patients are kept for ever.
    Set how long your law wants them, such as AUDIT_RETENTION=3650days.
warning: ALLOWED_HOSTS is *: the server answers to any name.
    Name those that clients use, such as ALLOWED_HOSTS=api.example.org.
note: REGISTRATION is open: anybody may make an account.
    Set REGISTRATION=closed if staff and the command createuser shall make them.
note: DOCTORS_EDITED_BY is everyone: whoever has an account may change and delete doctors.
    Set DOCTORS_EDITED_BY=staff if that is not wanted.

errors: 0, warnings: 2, notes: 2
";
    assert_eq!(checked(dir.path(), &["--deploy"], &[]), (true, warned.into()));
    assert_eq!(checked(dir.path(), &["--deploy"], &GOOD), (true, CLEAN.into()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn settings_for_development_are_dangerous_elsewhere() {
    let dir = Directory::new();
    let settings = [
        ("DEBUG", "True"),
        ("SECRET_KEY", "change-me"),
        ("SECRET_KEY_FALLBACKS", "short"),
        ("ALLOWED_HOSTS", "api.example.org,*"),
        ("DATABASE_URL", "postgres://app:hunter2@0.0.0.0:1/x"),
        ("HOST", "0.0.0.0"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.org,*"),
        ("PUBLIC_DOCTORS", "True"),
        ("TRUSTED_PROXIES", "10.0.0.5,0.0.0.0/0"),
        ("THROTTLE_LOGIN", ""),
        ("AUDIT_READS_WHEN_FULL", "drop"),
    ];
    let (is_good, said) = checked(dir.path(), &["--deploy"], &settings);
    assert!(!is_good && !said.contains("hunter2"), "{said}");
    let refused = said.lines().find(|line| line.contains("can't be used")).unwrap();
    assert!(
        refused.starts_with("error: database x at 0.0.0.0:1 as app (from DATABASE_URL) can't be used: "),
        "{refused}"
    );
    assert_eq!(
        said.replace(refused, "error: …"),
        "System check identified some issues:

error: SECRET_KEY is one that stands in an example.
    Make a key with `openssl rand -hex 32`.
error: key 1 of SECRET_KEY_FALLBACKS has 5 bytes of the 32 that it needs.
    Make a key with `openssl rand -hex 32`.
error: DEBUG is on: a weak SECRET_KEY is taken, and pages from any port of a client's machine may use the API.
    Set DEBUG=False.
error: The database is on another machine, and patients' data may pass the network unencrypted.
    Add ?sslmode=verify-full (or at least require) to DATABASE_URL, or set PGSSLMODE.
error: TRUSTED_PROXIES has all addresses: any client may say that it has another, in the audit and for the throttles.
    Name the addresses of your own proxies, such as 10.0.0.5.
error: …
    The server does not start until this is put right.
warning: THROTTLE_LOGIN, THROTTLE_REGISTER or THROTTLE_REFRESH is empty: passwords can be guessed without a limit.
    Leave them at their defaults, or set a rate, such as THROTTLE_LOGIN=20/hour.
warning: AUDIT_RETENTION is not set: the records of who read which patients are kept for ever.
    Set how long your law wants them, such as AUDIT_RETENTION=3650days.
warning: ALLOWED_HOSTS is *: the server answers to any name.
    Name those that clients use, such as ALLOWED_HOSTS=api.example.org.
warning: HOST is reached from other machines, and this server speaks no TLS: without https, passwords and tokens can be read on the way.
    Put a proxy with TLS in front, and let nobody else reach the port; if it is on this machine, HOST=127.0.0.1.
warning: CORS_ALLOWED_ORIGINS has *: the pages of any site may use the API.
    Name the origins of your own pages, such as https://app.example.org.
note: AUDIT_READS_WHEN_FULL is drop: records of who read which patients are lost when there are too many.
    Set AUDIT_READS_WHEN_FULL=wait if none may be lost.
note: REGISTRATION is open: anybody may make an account.
    Set REGISTRATION=closed if staff and the command createuser shall make them.
note: DOCTORS_EDITED_BY is everyone: whoever has an account may change and delete doctors.
    Set DOCTORS_EDITED_BY=staff if that is not wanted.
note: PUBLIC_DOCTORS is on: anybody may read the directory of doctors.
    Set PUBLIC_DOCTORS=False if that is not wanted.

errors: 6, warnings: 5, notes: 4
"
    );
}

#[test]
fn a_record_of_reads_that_is_off_is_said_alone() {
    let said =
        found(Directory::new().path(), &[&GOOD[..], &[("AUDIT_READS", "False"), ("AUDIT_RETENTION", "")]].concat());
    assert_eq!(said, (true, vec!["warning: AUDIT_READS is off: nobody can tell who read which patients.".into()]));
}

#[test]
fn wrong_settings_and_those_for_development_are_said_at_once() {
    let dir = Directory::new();
    fs::write(dir.path().join(".env"), "DB_NAME=x\nPUBLIC_DOCTORS=2\n").unwrap();
    let said = "error: DB_USER is missing: with one of DB_NAME, DB_USER and DB_PASSWORD, give the others too.
error: SECRET_KEY is missing: make one with `openssl rand -hex 32` (or set DEBUG=True, for development only).
error: PUBLIC_DOCTORS is \"2\", which is neither True nor False.
warning: AUDIT_RETENTION is not set: the records of who read which patients are kept for ever.
warning: ALLOWED_HOSTS is *: the server answers to any name.
note: REGISTRATION is open: anybody may make an account.
note: DOCTORS_EDITED_BY is everyone: whoever has an account may change and delete doctors.";
    assert_eq!(found(dir.path(), &[]), (false, said.lines().map(ToOwned::to_owned).collect()));
    fs::write(dir.path().join(".env"), "DB_PASSWORD=hunter 2\n").unwrap();
    let (is_good, said) = checked(dir.path(), &[], &[]);
    assert!(!is_good && said.contains("error: .env: line 1 can't be read") && !said.contains("hunter"), "{said}");
}

#[test]
fn only_a_database_elsewhere_needs_tls() {
    let dir = Directory::new();
    for (host, needs) in [
        ("db.invalid:1/x", true),
        ("db.invalid:1/x?sslmode=disable", true),
        ("db.invalid:1/x?sslmode=allow", true),
        ("db.invalid:1/x?sslmode=prefer", true),
        ("db.invalid:1/x?sslmode=require", false),
        ("db.invalid:1/x?sslmode=verify-full", false),
        ("localhost:1/x", false),
        ("127.0.0.1:1/x", false),
        ("/x?host=/nonexistent", false),
    ] {
        let url = format!("postgres://{host}");
        let (_, said) = found(dir.path(), &[("DATABASE_URL", &url), ("SECRET_KEY", SECRET_KEY)]);
        assert_eq!(said.iter().any(|line| line.contains("unencrypted")), needs, "{host}: {said:?}");
    }
}

#[tokio::test]
async fn a_database_is_looked_at_and_not_changed() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let url = url(&app);
    let settings = [GOOD[0], GOOD[1], GOOD[2], GOOD[3], ("DATABASE_URL", &url), ("SECRET_KEY", SECRET_KEY)];
    assert_eq!(checked(dir.path(), &[], &settings), (true, CLEAN.into()));

    let off = "select coalesce(jsonb_agg(name order by name), '[]') from pg_settings
        where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'";
    app.sql(&format!("alter database {} set synchronous_commit = off", app.database.options.get_database().unwrap()))
        .await;
    let off = app.value(off).await;
    let mut always: Vec<String> = off
        .as_array()
        .unwrap()
        .iter()
        .map(|name| {
            let name = name.as_str().unwrap();
            format!("error: PostgreSQL's {name} is off: a crash loses what was acknowledged, or breaks the database.")
        })
        .collect();
    assert!(always.iter().any(|line| line.contains("synchronous_commit")));
    if app.value("select current_setting('is_superuser')").await == "on" {
        let user = app.database.options.get_username();
        always.push(format!(
            "warning: {user} is a superuser of PostgreSQL: it may do anything there, also beyond this database."
        ));
    }
    let with = |more: &[&str]| (false, [always.clone(), more.iter().map(ToString::to_string).collect()].concat());
    let none = "note: There is no active superuser.";
    assert_eq!(found(dir.path(), &settings), with(&[none]));
    app.sql(
        "insert into users (email, name, password_hash, is_staff, is_superuser, is_active) values ('a', 'A', '', true, true, false)",
    )
    .await;
    assert_eq!(found(dir.path(), &settings), with(&[none]));
    app.sql("update users set is_active = true").await;
    assert_eq!(found(dir.path(), &settings), with(&[]));

    let applied = "select count(*) from _sqlx_migrations";
    let all = app.value(applied).await.as_i64().unwrap();
    app.sql("delete from _sqlx_migrations where version > 7").await;
    let left = app.value(applied).await.as_i64().unwrap();
    let (_, said) = found(dir.path(), &settings);
    let pending = format!("warning: Migrations that this database has not had: {}.", all - left);
    assert!(said.contains(&pending), "{said:?}");
    assert_eq!(app.value(applied).await, left);

    app.sql("insert into _sqlx_migrations values (9999, '', now(), true, '', 0)").await;
    let (_, said) = found(dir.path(), &settings);
    assert!(said.contains(&"warning: The database has migrations of a later release: [9999].".into()), "{said:?}");
    app.sql("drop table _sqlx_migrations").await;
    let (is_good, said) = checked(dir.path(), &[], &settings);
    assert!(!is_good && said.contains("can't be used: it has tables of another program"), "{said}");
}

#[test]
fn the_private_database_is_looked_at_while_the_server_runs_and_is_for_its_owner_alone() {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    assert_eq!(found(dir.path(), &GOOD), (true, vec!["note: There is no active superuser.".into()]));
    let create = ["createsuperuser", "--email", "root@example.org", "--name", "Root", "--password-stdin"];
    assert!(run(dir.path(), &create, "StrongPass123").status.success());
    assert_eq!(checked(dir.path(), &["--deploy"], &GOOD), (true, CLEAN.into()));
    server.stop();
    let stopped = "note: The private PostgreSQL does not run, so nothing in it was looked at.";
    assert_eq!(found(dir.path(), &GOOD), (true, vec![stopped.into()]));
    assert_eq!(checked(dir.path(), &[], &GOOD), (true, CLEAN.into()));

    let data = dir.path().canonicalize().unwrap().join("data");
    for (path, mode) in [(data.clone(), 0o755), (data.join("secret_key"), 0o640)] {
        let before = fs::metadata(&path).unwrap().permissions();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let open = format!("error: {} is open to other users of this machine.", path.display());
        assert_eq!(found(dir.path(), &GOOD), (false, vec![open, stopped.into()]));
        fs::set_permissions(&path, before).unwrap();
    }
}
