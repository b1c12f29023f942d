//! `upgrade`: the data moves to a newer PostgreSQL. Most of it needs the programs of a newer one than the newest that the
//! server finds by itself: tests/newer-postgres gets them, and `TEST_NEWER_POSTGRES` says where they are.

use std::{fs, path::Path, process::Stdio, time::Duration};

use super::{connect, does, rows, run, succeeded};
use crate::support::{
    Client, PATIENTS, john_doe,
    program::{Directory, Program, no_postgres_is_left_in, program},
};

/// The newer programs. None: there are none here, and the test is left out.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn newer() -> Option<String> {
    let newer = std::env::var("TEST_NEWER_POSTGRES").ok().filter(|bindir| !bindir.is_empty());
    if newer.is_none() {
        eprintln!("left out: TEST_NEWER_POSTGRES says nothing, see tests/newer-postgres");
    }
    newer
}

/// A directory with one user and one patient, and the major version of its data.
async fn filled() -> (Directory, String) {
    let dir = Directory::new();
    let server = Program::start(dir.path(), &[]);
    let alice = Client::at(&server.address).registered("alice").await;
    alice.post(PATIENTS, john_doe()).await.is(201);
    server.stop();
    let major = fs::read_to_string(dir.path().join("data/postgres/PG_VERSION")).unwrap().trim().to_owned();
    (dir, major)
}

fn names(dir: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(dir.join("data")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name.starts_with("postgres")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_moves_whole_and_the_old_stays_until_it_is_told_to_go() {
    let Some(bindir) = newer() else { return };
    let newer = [("PG_BINDIR", &*bindir)];
    let (dir, major) = filled().await;
    let server = Program::start(dir.path(), &[]);
    let before = rows(&mut connect(dir.path()).await).await;
    let said = String::from_utf8(run(dir.path(), &["upgrade"], &newer).await.stderr).unwrap();
    assert!(said.starts_with("error: a server is using ") && said.ends_with(": stop it first\n"), "{said}");
    server.stop();
    // newer programs alone say what to do
    let said = String::from_utf8(run(dir.path(), &["migrate"], &newer).await.stderr).unwrap();
    assert!(said.contains("have both installed, and run `healthcare-backend upgrade`"), "{said}");

    let said = succeeded(&run(dir.path(), &["upgrade"], &newer).await);
    assert!(said.contains(&format!(" has moved from PostgreSQL {major}.")), "{said}");
    no_postgres_is_left_in(dir.path());
    let old = format!("postgres.{major}");
    assert_eq!(names(dir.path()), ["postgres", &old, "postgres.log"]);
    let server = Program::start(dir.path(), &newer);
    assert_eq!(rows(&mut connect(dir.path()).await).await, before);
    let alice = Client::at(&server.address).logged_in("alice@example.com").await;
    assert_eq!(alice.get(PATIENTS).await.is(200).body.as_array().unwrap().len(), 1);
    let said = String::from_utf8(run(dir.path(), &["upgrade", "--remove-old"], &newer).await.stdout).unwrap();
    assert_eq!(said, format!("Removed {}\n", dir.path().join("data").join(old).display()));
    assert_eq!(names(dir.path()), ["postgres", "postgres.log"]);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_killed_leaves_the_old_data_or_the_new_and_can_be_repeated() {
    let Some(bindir) = newer() else { return };
    let newer = [("PG_BINDIR", &*bindir)];
    let (dir, major) = filled().await;
    let server = Program::start(dir.path(), &[]);
    let before = rows(&mut connect(dir.path()).await).await;
    server.stop();
    for milliseconds in [50, 200, 400, 700, 1000] {
        let mut command = program(dir.path(), &["upgrade"], &newer);
        let mut upgrade = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        upgrade.kill().unwrap();
        upgrade.wait().unwrap();
        if names(dir.path()).contains(&format!("postgres.{major}")) {
            break;
        }
        let server = Program::start(dir.path(), &[]);
        assert_eq!(rows(&mut connect(dir.path()).await).await, before, "after {milliseconds} ms");
        server.stop();
        // an initdb that outlives its upgrade may still write; the next start removes that
        let left = names(dir.path()).into_iter().filter(|name| !name.starts_with("postgres.unfinished"));
        assert_eq!(left.collect::<Vec<_>>(), ["postgres", "postgres.log"]);
    }
    let old = format!("postgres.{major}");
    let moved = names(dir.path()).contains(&old);
    assert!(moved || run(dir.path(), &["upgrade"], &newer).await.status.success());
    let _server = Program::start(dir.path(), &newer);
    assert_eq!(rows(&mut connect(dir.path()).await).await, before);
    assert_eq!(names(dir.path()), ["postgres", &old, "postgres.log"]);
}

/// The directories change places in three steps, and a power failure may come between two of them.
#[tokio::test(flavor = "multi_thread")]
async fn directories_that_were_changing_places_are_put_in_order_by_the_next_start() {
    let (dir, _) = filled().await;
    let data = dir.path().join("data");
    let server = Program::start(dir.path(), &[]);
    let before = rows(&mut connect(dir.path()).await).await;
    server.stop();
    // the old is still in its place: it is the data
    fs::create_dir_all(data.join("postgres.upgraded/base")).unwrap();
    does(dir.path(), &["migrate"]).await;
    assert_eq!(names(dir.path()), ["postgres", "postgres.log"]);
    // it has left its place
    fs::rename(data.join("postgres"), data.join("postgres.upgraded")).unwrap();
    let _server = Program::start(dir.path(), &[]);
    assert_eq!(rows(&mut connect(dir.path()).await).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_newer_postgresql_nothing_happens() {
    let (dir, major) = filled().await;
    let said = String::from_utf8(run(dir.path(), &["upgrade"], &[]).await.stderr).unwrap();
    assert!(said.contains(&format!(" is PostgreSQL {major}'s, and no newer one was found: install it")), "{said}");
    let url = [("DATABASE_URL", "postgres://app@db.example.org/healthcare"), ("DEBUG", "True")];
    let said = String::from_utf8(run(dir.path(), &["upgrade"], &url).await.stderr).unwrap();
    assert!(said.starts_with("error: upgrade is for the private PostgreSQL, and database healthcare at "), "{said}");
    assert_eq!(names(dir.path()), ["postgres", "postgres.log"]);
}
