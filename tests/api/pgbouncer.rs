//! PgBouncer between the server and PostgreSQL. Where it is not installed, these tests do nothing.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures_util::future::join_all;
use nix::unistd::Uid;
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};

use crate::{
    config::url,
    support::{
        Client, MAPPINGS, PATIENTS, SECRET_KEY, TestApp, emily_carter, john_doe,
        program::{Directory, Program, program},
    },
};

/// Debian's, or the one that TEST_PGBOUNCER names.
fn pgbouncer() -> String {
    env::var("TEST_PGBOUNCER").unwrap_or_else(|_| "/usr/sbin/pgbouncer".into())
}

const IGNORE: &str = "ignore_startup_parameters = options";
/// As deploy/README.md has it.
const SETTINGS: [&str; 5] = [
    "statement_timeout = '3s'",
    "lock_timeout = '2s'",
    "idle_in_transaction_session_timeout = '10s'",
    "enable_seqscan = off",
    "jit = off",
];

/// A PgBouncer before a test's own database.
struct Pooler {
    child: Child,
    url: String,
}

impl Pooler {
    /// None: there is none to start.
    fn start(dir: &Path, app: &TestApp, settings: &str) -> Option<Self> {
        let options = &app.database.options;
        let (socket, name) = (options.get_socket()?, options.get_database()?);
        if !Path::new(&pgbouncer()).exists() {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = dir.join("pgbouncer.ini");
        let databases = format!("[databases]\n{name} = host={} user=postgres\n", socket.display());
        let own = format!("listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n");
        fs::write(&file, format!("{databases}[pgbouncer]\n{own}{settings}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let mut command = Command::new(pgbouncer());
        // it refuses root
        if Uid::effective().is_root() {
            command.args(["-u", "postgres"]);
        }
        let mut child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(child.try_wait().unwrap(), None, "PgBouncer ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(Self { child, url: format!("postgres://postgres@127.0.0.1:{port}/{name}") })
    }

    /// What a server says that does not start.
    fn refusal(&self, dir: &Path) -> String {
        let settings = [("DATABASE_URL", self.url.as_str()), ("SECRET_KEY", SECRET_KEY), ("PORT", "0")];
        let output = program(dir, &[], &settings).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn that_refuses_or_drops_the_settings_of_a_connection_is_refused_with_the_remedy() {
    let (app, dir) = (TestApp::start().await, Directory::new());
    let Some(pooler) = Pooler::start(dir.path(), &app, "") else { return };
    let said = pooler.refusal(dir.path());
    assert!(said.contains("PgBouncer refuses the settings of a connection: in pgbouncer.ini, add ignore_"), "{said}");
    assert!(SETTINGS.iter().all(|setting| said.contains(&format!("alter role … set {setting}"))), "{said}");
    drop(pooler);
    let pooler = Pooler::start(dir.path(), &app, IGNORE).unwrap();
    let said = pooler.refusal(dir.path());
    let lost = "statement_timeout, lock_timeout, idle_in_transaction_session_timeout, enable_seqscan";
    assert!(said.contains(&format!("these settings do not reach PostgreSQL: {lost}")), "{said}");
    assert!(SETTINGS.iter().all(|setting| said.contains(&format!("alter role … set {setting}"))), "{said}");
}

/// Gives the role the settings of the server's connections, in the test's own database.
async fn set_for_role(app: &TestApp) {
    let name = app.database.options.get_database().unwrap();
    for setting in SETTINGS {
        app.sql(&format!("alter role postgres in database {name} set {setting}")).await;
    }
}

/// Whether it can keep prepared statements: 1.21 and later can.
fn keeps_statements() -> Option<bool> {
    let output = Command::new(pgbouncer()).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).unwrap();
    let minor = said.strip_prefix("PgBouncer 1.")?.split('.').next()?.parse::<u32>().unwrap();
    Some(minor >= 21)
}

#[tokio::test]
async fn that_loses_prepared_statements_is_refused_with_the_remedy() {
    let (app, dir) = (TestApp::start().await, Directory::new());
    let setting = if keeps_statements() == Some(true) { "max_prepared_statements = 0" } else { "" };
    let settings = format!("{IGNORE}\npool_mode = transaction\n{setting}");
    set_for_role(&app).await;
    let Some(pooler) = Pooler::start(dir.path(), &app, &settings) else { return };
    // also at a second start, which meets the statements of the first
    for _ in 0..2 {
        let said = pooler.refusal(dir.path());
        assert!(said.contains("PgBouncer loses prepared statements: with pool_mode = transaction it needs"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_pool_mode_transaction_leaves_migrations_to_a_connection_of_their_own() {
    if keeps_statements() != Some(true) {
        return;
    }
    let (app, dir) = (TestApp::start().await, Directory::new());
    set_for_role(&app).await;
    app.sql("delete from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)").await;
    for turns in ["server_round_robin = 0", "server_round_robin = 1"] {
        // the parameter is one of the connections below
        let ignore = format!("{IGNORE}, extra_float_digits");
        let settings = format!("{ignore}\npool_mode = transaction\nmax_prepared_statements = 200\n{turns}");
        let Some(pooler) = Pooler::start(dir.path(), &app, &settings) else { return };
        // others use it meanwhile
        let others = (0..3).map(|_| {
            let url = pooler.url.clone();
            tokio::spawn(async move {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                loop {
                    connection.execute("select pg_sleep(0.002)").await.unwrap();
                }
            })
        });
        let others = others.collect::<Vec<_>>();
        let said = tokio::task::block_in_place(|| pooler.refusal(dir.path()));
        others.iter().for_each(tokio::task::JoinHandle::abort);
        let wanted = "it lacks 1 migrations, which PgBouncer with pool_mode = transaction can't pass on";
        assert!(said.contains(wanted), "{said}");
    }
}

#[tokio::test]
async fn is_not_suspected_where_a_url_keeps_no_statements() {
    let (app, dir) = (TestApp::start().await, Directory::new());
    app.sql("commit; drop schema public cascade; create schema public; begin").await;
    let url = url(&app);
    let url = format!("{url}{}statement-cache-capacity=0", if url.contains('?') { '&' } else { '?' });
    let server = Program::start(dir.path(), &[("DATABASE_URL", url.as_str()), ("SECRET_KEY", SECRET_KEY)]);
    Client::at(&server.address).registered("alice").await;
}

#[tokio::test]
async fn with_pool_mode_session_serves_everything_and_with_transaction_where_it_keeps_statements() {
    let mut modes = vec!["session"];
    if keeps_statements() == Some(true) {
        modes.push("transaction\nmax_prepared_statements = 200");
    }
    for mode in modes {
        let (app, dir) = (TestApp::start().await, Directory::new());
        let settings = format!("{IGNORE}\nmax_client_conn = 100\npool_mode = {mode}");
        set_for_role(&app).await;
        let Some(pooler) = Pooler::start(dir.path(), &app, &settings) else { return };
        let settings = [("DATABASE_URL", pooler.url.as_str()), ("SECRET_KEY", SECRET_KEY)];
        // also on connections that others had before
        Program::start(dir.path(), &settings).stop();
        let server = Program::start(dir.path(), &settings);
        let alice = Client::at(&server.address).registered("alice").await;
        alice.post(PATIENTS, john_doe()).await.is(201);
        alice.post("/api/doctors/", emily_carter()).await.is(201);
        alice.post(MAPPINGS, json!({"patient": 1, "doctor": 1})).await.is(201);
        for reply in join_all((0..50).map(|_| alice.get("/api/patients/1/"))).await {
            reply.is(200);
        }
        assert_eq!(alice.get("/api/mappings/by-patient/1/").await.is(200).body.as_array().unwrap().len(), 1);
    }
}
