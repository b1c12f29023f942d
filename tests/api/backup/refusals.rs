//! What is no backup is refused, and nothing is overwritten.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions, Connection};

use super::{connect, does, options, refuses, rows, value};
use crate::support::{
    Client, PATIENTS, john_doe,
    program::{Directory, Program, postgres_in, program},
};

/// The length of the checksum's line.
const CHECKSUM: usize = 73;

/// A backup of one user with one patient.
async fn backup(dir: &Path) -> Program {
    let server = Program::start(dir, &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    does(dir, &["backup", "a.backup"]).await;
    server
}

/// Names of the files in a directory.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_short_or_changed_is_refused_and_changes_nothing() {
    let dir = Directory::new();
    drop(backup(dir.path()).await);
    let whole = fs::read(dir.path().join("a.backup")).unwrap();
    let other = Directory::new();
    let bad = dir.path().join("bad.backup");
    for length in [0, 10, 100, whole.len() / 2, whole.len() - CHECKSUM - 1, whole.len() - CHECKSUM, whole.len() - 1] {
        fs::write(&bad, &whole[..length]).unwrap();
        let said = refuses(other.path(), &["restore", bad.to_str().unwrap()]).await;
        assert!(said.contains("it does not end with its checksum"), "{length}: {said}");
    }
    for place in [0, 5, 100, 2000, whole.len() / 3, whole.len() / 2, whole.len() - 80, whole.len() - 2] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&bad, changed).unwrap();
        let said = refuses(other.path(), &["restore", bad.to_str().unwrap()]).await;
        assert!(said.contains("its checksum is another. Take an older backup"), "{place}: {said}");
    }
    let said = refuses(other.path(), &["restore", "nothing.backup"]).await;
    assert_eq!(said, "error: nothing.backup is no file\n");
    // all that is still an empty place
    fs::write(&bad, &whole).unwrap();
    does(other.path(), &["restore", bad.to_str().unwrap()]).await;
}

/// Rows that PostgreSQL itself can't read, behind a checksum that is right: the end of it fails, and takes back the beginning.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_fails_midway_changes_nothing() {
    let dir = Directory::new();
    drop(backup(dir.path()).await);
    let mut changed = fs::read(dir.path().join("a.backup")).unwrap();
    changed.truncate(changed.len() - CHECKSUM);
    let last = changed.len() - 8;
    changed[last..].fill(0);
    let sum = ring::digest::digest(&ring::digest::SHA256, &changed);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    changed.extend_from_slice(format!("\nsha256 {sum}\n").as_bytes());
    let bad = dir.path().join("bad.backup");
    fs::write(&bad, changed).unwrap();
    let other = Directory::new();
    let said = refuses(other.path(), &["restore", bad.to_str().unwrap()]).await;
    assert!(said.contains(": nothing was changed: pg_restore "), "{said}");
    does(other.path(), &["restore", dir.path().join("a.backup").to_str().unwrap()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_can_not_be_read_back_is_none() {
    let dir = Directory::new();
    let _server = backup(dir.path()).await;
    let postgres = fs::read_link(format!("/proc/{}/exe", postgres_in(dir.path())[0])).unwrap();
    let programs = dir.path().join("programs");
    fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(postgres.with_file_name("pg_restore"), programs.join("pg_restore")).unwrap();
    // a disk that loses the end
    let pg_dump = programs.join("pg_dump");
    fs::write(
        &pg_dump,
        format!("#!/bin/sh\n{} \"$@\" | head -c 50000\n", postgres.with_file_name("pg_dump").display()),
    )
    .unwrap();
    fs::set_permissions(&pg_dump, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = [("PG_BINDIR", programs.to_str().unwrap())];
    let output = super::run(dir.path(), &["backup", "b.backup"], &settings).await;
    let said = String::from_utf8_lossy(&output.stderr);
    let words = "error: no backup was made: the backup can't be read back, and is thrown away: pg_restore ";
    assert!(!output.status.success() && said.starts_with(words), "{said}");
    assert_eq!(names(dir.path()), ["a.backup", "data", "programs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_empty_is_refused_and_stays_as_it_is() {
    let dir = Directory::new();
    let _server = backup(dir.path()).await;
    let before = rows(&mut connect(dir.path()).await).await;
    let said = refuses(dir.path(), &["restore", "a.backup"]).await;
    assert!(
        said.contains(
            "a backup is restored into an empty database only, and this one has _sqlx_migrations, access_log, "
        ) && said.ends_with(": nothing was changed\n"),
        "{said}"
    );
    assert_eq!(rows(&mut connect(dir.path()).await).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_overwrites_nothing_and_is_for_its_owner_alone() {
    let dir = Directory::new();
    let said = refuses(dir.path(), &["backup", "a.backup"]).await;
    assert!(said.starts_with("error: there is nothing to back up: no data is in "), "{said}");
    assert_eq!(names(dir.path()), [""; 0]);
    let _server = backup(dir.path()).await;
    let path = dir.path().join("a.backup");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let said = refuses(dir.path(), &["backup", "a.backup"]).await;
    assert!(said.contains("is there already, and a backup overwrites nothing"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let said = refuses(dir.path(), &["backup", "no/such/a.backup"]).await;
    assert!(said.starts_with("error: no backup was made: making a new file: No such file or directory"), "{said}");
    assert_eq!(names(dir.path()), ["a.backup", "data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_interrupted_leaves_nothing_that_looks_like_one() {
    let dir = Directory::new();
    let _server = backup(dir.path()).await;
    for (signal, left) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 0), (Signal::SIGKILL, 1)] {
        let mut lock = connect(dir.path()).await;
        sqlx::raw_sql("begin; lock table patients").execute(&mut lock).await.unwrap();
        let mut command = program(dir.path(), &["backup", "b.backup"], &[]);
        let child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut watch = connect(dir.path()).await;
        let waiting = "select exists (select from pg_stat_activity where query like 'LOCK TABLE%' \
                       and wait_event_type = 'Lock')";
        while value(&mut watch, waiting).await == false {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
        assert!(!output.status.success());
        let begun: Vec<String> = names(dir.path()).into_iter().filter(|name| name.contains("b.backup")).collect();
        assert_eq!(begun.len(), left, "{signal}: {begun:?}");
        assert!(begun.iter().all(|name| name.starts_with(".b.backup") && name.ends_with(".unfinished")), "{begun:?}");
        if left == 0 {
            assert_eq!(String::from_utf8_lossy(&output.stderr), "error: interrupted\n");
        }
        lock.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_backup_of_this_release_can_be_is_refused_with_the_reason() {
    let dir = Directory::new();
    let _server = Program::start(dir.path(), &[]);
    let mut connection = connect(dir.path()).await;
    for create in ["create database later", "create database empty"] {
        sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    }
    let place =
        |name: &str| format!("postgres:///{name}?host={}&user=postgres", dir.path().join("data/socket").display());
    let at = async |arguments: &[&str], name: &str| {
        let settings = [("DATABASE_URL", &*place(name)), ("DEBUG", "True")];
        super::run(dir.path(), arguments, &settings).await
    };
    let refused = |output: &std::process::Output, words: &str| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(words), "{said}");
    };
    refused(
        &at(&["backup", "a"], "empty").await,
        "there is nothing to back up: the database has no tables of this server",
    );
    let settings = [("DATABASE_URL", &*place("empty")), ("DEBUG", "True"), ("PG_BINDIR", "/nonexistent")];
    let output = super::run(dir.path(), &["backup", "a"], &settings).await;
    refused(&output, "error: no backup was made: this needs pg_dump and pg_restore of PostgreSQL ");
    refused(
        &output,
        " or later; found: none.\nInstall them:\n  Debian, Ubuntu:  apt-get install -y postgresql-client\n",
    );
    // of a later release
    super::succeeded(&at(&["migrate"], "later").await);
    let mut later = options(dir.path()).database("later").connect().await.unwrap();
    let next = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                values (9999, 'later', true, '', 0)";
    sqlx::raw_sql(next).execute(&mut later).await.unwrap();
    super::succeeded(&at(&["backup", "later"], "later").await);
    refused(
        &at(&["restore", "later"], "empty").await,
        "this is the backup of a later release, which has migration 9999",
    );
    let mut empty = options(dir.path()).database("empty").connect().await.unwrap();
    assert!(value(&mut empty, "select count(*) from pg_tables where schemaname = 'public'").await == 0);
}
