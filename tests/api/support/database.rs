//! A database for each test, cloned from a migrated template, on one throw-away PostgreSQL for the whole run.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio, id},
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use healthcare_backend::db::{
    Db,
    embedded::{DataDir, Embedded},
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

/// The PostgreSQL of this run, held as long as this process lives.
struct Server {
    options: PgConnectOptions,
    template: String,
    strategy: &'static str,
    _in_use: File,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static CLONES: AtomicUsize = AtomicUsize::new(0);

/// A database of a test's own; dropped with this.
pub struct TestDatabase {
    name: String,
    pub options: PgConnectOptions,
}

impl TestDatabase {
    pub fn new() -> Self {
        let server = SERVER.get_or_init(Server::new);
        let name = format!("test_{}_{}", id(), CLONES.fetch_add(1, Ordering::Relaxed));
        server.execute(format!("create database {name} template {} strategy {}", server.template, server.strategy));
        let options = server.options.clone().database(&name);
        Self { name, options }
    }

    pub async fn connect(&self) -> PgConnection {
        self.options.connect().await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = SERVER.get_or_init(Server::new);
        server.execute(format!("drop database {} with (force)", self.name));
    }
}

impl Server {
    fn new() -> Self {
        let dir = directory();
        fs::create_dir_all(&dir).unwrap();
        let in_use = File::create(dir.join("users")).unwrap();
        in_use.lock_shared().unwrap();
        // one process at a time looks whether there is a server, and a template
        let turn = File::create(dir.join("turn")).unwrap();
        turn.lock().unwrap();
        let (options, strategy) = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) => (PgConnectOptions::from_str(&url).unwrap(), "wal_log"),
            Err(_) => (throwaway(&dir), "file_copy"),
        };
        let server =
            Self { options: options.database("postgres"), template: template_name(), strategy, _in_use: in_use };
        server.make_template();
        server
    }

    /// Under another name first: an interrupted run leaves no half-migrated template.
    fn make_template(&self) {
        let name = self.template.clone();
        let options = self.options.clone();
        block_on(async move || {
            let mut connection = options.connect().await.unwrap();
            let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
                .bind(&name)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if exists {
                return;
            }
            let unfinished = format!("{name}_unfinished");
            execute(&mut connection, format!("drop database if exists {unfinished}")).await;
            execute(&mut connection, format!("create database {unfinished}")).await;
            Db::migrate(&options.database(&unfinished), Duration::from_mins(2)).await.unwrap();
            execute(&mut connection, format!("alter database {unfinished} rename to {name}")).await;
        });
    }

    fn execute(&self, sql: String) {
        let options = self.options.clone();
        block_on(async move || {
            let mut connection = options.connect().await.unwrap();
            execute(&mut connection, sql).await;
            connection.close().await.unwrap();
        });
    }
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Runs something to its end on a thread of its own: a test's runtime can't wait for itself.
fn block_on(work: impl AsyncFnOnce() + Send + 'static) {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(work());
    })
    .join()
    .unwrap();
}

/// The running throw-away server, started if need be. It ends by itself some seconds after its last user.
#[expect(clippy::zombie_processes, reason = "the server outlives this process")]
fn throwaway(dir: &Path) -> PgConnectOptions {
    let place = DataDir::at(dir).unwrap();
    if let Some(options) = connectable(&place) {
        return options;
    }
    let log = File::create(dir.join("server.log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_healthcare-backend"))
        .arg("test-database")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    loop {
        if let Some(options) = connectable(&place) {
            return options;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "no PostgreSQL for the tests: {}",
            fs::read_to_string(dir.join("server.log")).unwrap()
        );
        thread::sleep(Duration::from_millis(20));
    }
}

fn connectable(place: &DataDir) -> Option<PgConnectOptions> {
    let options = Embedded::running(place)?;
    let socket = options.get_socket()?.join(".s.PGSQL.5432");
    std::os::unix::net::UnixStream::connect(socket).ok()?;
    Some(options)
}

fn directory() -> PathBuf {
    let user = nix::unistd::Uid::effective();
    std::env::temp_dir().join(format!("healthcare-backend-tests-{user}"))
}

/// Another schema, another template.
fn template_name() -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).unwrap().hash(&mut hasher);
    }
    format!("template_{:016x}", hasher.finish())
}
