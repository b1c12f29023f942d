//! A private PostgreSQL: a real one, which the server runs as a child process if no database is configured.
//!
//! It listens only on a socket in its own directory, keeps every acknowledged write, and stops with the server, even if the
//! server is killed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::{
    process::{Child, ChildStdin},
    time::{sleep, timeout},
};

mod cluster;
mod data_dir;
mod programs;
mod throwaway;
mod upgrade;

pub use data_dir::DataDir;
pub use throwaway::serve_tests;
pub use upgrade::{Upgraded, remove_old, upgrade};

pub(super) use programs::Programs;

use cluster::{clear_unfinished, end_leftover, make_cluster};
use programs::major_of;

const DATABASE: &str = "healthcare";
/// The number in the name of the socket. Nothing listens on the network.
const PORT: u16 = 5432;
/// How long a start or a stop may take. Recovery after a crash can take long.
const LONG: Duration = Duration::from_mins(2);

/// Runs PostgreSQL, and stops it when the pipe on standard input closes. That happens when the server ends, by whatever
/// signal.
const KEEPER: &str = r#"
exec 3<&0
"$@" 3<&- &
postgres=$!
(read -r _ <&3; kill -INT "$postgres") &
watcher=$!
exec 3<&-
wait "$postgres"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// A PostgreSQL that runs.
pub struct Embedded {
    data_dir: DataDir,
    programs: Programs,
    settings: Vec<String>,
    socket_dir: PathBuf,
    keeper: Child,
    pipe: Option<ChildStdin>,
    lock: File,
}

/// Whether what is written must survive a crash of the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Yes: every commit is on the disk.
    Kept,
    /// No: for tests.
    ThrownAway,
}

impl Embedded {
    /// Starts it with room for this many connections. The first start makes the data directory.
    pub async fn start(
        data_dir: DataDir,
        bindir: Option<&Path>,
        durability: Durability,
        connections: u32,
    ) -> Result<Self> {
        let lock =
            data_dir.lock()?.with_context(|| format!("another instance is using {}", data_dir.path().display()))?;
        upgrade::finish(&data_dir)?;
        let cluster = data_dir.cluster();
        let programs = Programs::find(bindir, major_of(&cluster)?, &cluster)?;
        end_leftover(&data_dir, &programs).await?;
        clear_unfinished(&data_dir)?;
        let embedded = Self::run(data_dir.clone(), programs, durability, connections, lock).await?;
        clear_unfinished(&data_dir)?;
        Ok(embedded)
    }

    /// Runs it by these programs, in a directory that is locked.
    async fn run(
        data_dir: DataDir,
        programs: Programs,
        durability: Durability,
        connections: u32,
        lock: File,
    ) -> Result<Self> {
        if !data_dir.cluster().exists() {
            make_cluster(&data_dir, &programs, durability).await?;
        }
        let socket_dir = data_dir.make_socket_dir()?;
        let settings = settings(durability, connections);
        let (keeper, pipe) = launch(&data_dir, &programs, &socket_dir, &settings).await?;
        make_database(&options(&socket_dir)).await?;
        Ok(Self { data_dir, programs, settings, socket_dir, keeper, pipe, lock })
    }

    /// Starts it again after it has ended by itself.
    pub async fn restart(&mut self) -> Result<()> {
        end_leftover(&self.data_dir, &self.programs).await?;
        (self.keeper, self.pipe) = launch(&self.data_dir, &self.programs, &self.socket_dir, &self.settings).await?;
        Ok(())
    }

    /// The one that another process runs in this directory, if there is one.
    pub fn running(data_dir: &DataDir) -> Option<PgConnectOptions> {
        let file = fs::read_to_string(data_dir.cluster().join("postmaster.pid")).ok()?;
        is_ready(&file).then(|| file.lines().nth(4).map(|dir| options(Path::new(dir))))?
    }

    /// How to connect to it.
    pub fn options(&self) -> PgConnectOptions {
        options(&self.socket_dir)
    }

    /// "15.18".
    pub fn version(&self) -> &str {
        &self.programs.version
    }

    /// Waits until it ends by itself, which it should not.
    pub async fn ended(&mut self) {
        // its log says more than its status
        let _ = self.keeper.wait().await;
    }

    /// Stops it, and waits until everything is on the disk.
    pub async fn stop(self) -> Result<()> {
        self.stop_locked().await?;
        Ok(())
    }

    /// The same, with the directory still locked.
    async fn stop_locked(mut self) -> Result<File> {
        self.pipe.take();
        timeout(LONG, self.keeper.wait()).await.context("PostgreSQL does not stop")??;
        data_dir::remove_socket_dir(&self.socket_dir);
        Ok(self.lock)
    }
}

async fn launch(
    data_dir: &DataDir,
    programs: &Programs,
    socket_dir: &Path,
    settings: &[String],
) -> Result<(Child, Option<ChildStdin>)> {
    let (cluster, log) = (data_dir.cluster(), data_dir.path().join("postgres.log"));
    let mut keeper = data_dir
        .command("sh")
        .args(["-c", KEEPER, "sh"])
        .arg(programs.path("postgres"))
        .arg("-D")
        .arg(&cluster)
        .arg("-k")
        .arg(socket_dir)
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(DataDir::make_log(&log)?)
        // Ctrl-C must reach only the server, which lets its requests end first
        .process_group(0)
        .spawn()
        .context("starting PostgreSQL")?;
    let pipe = keeper.stdin.take();
    let ready = wait_until_ready(&mut keeper, &cluster).await;
    ready.with_context(|| format!("PostgreSQL did not start. The end of {}:\n{}", log.display(), tail(&log)))?;
    Ok((keeper, pipe))
}

fn settings(durability: Durability, connections: u32) -> Vec<String> {
    let max_connections = format!("max_connections={}", connections.max(80) + 20);
    let mut settings = vec![
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "timezone=UTC",
        "log_timezone=UTC",
        // the details and the statement of an error can hold patients' data
        "log_error_verbosity=terse",
        "log_min_error_statement=panic",
        "log_parameter_max_length_on_error=0",
        // a hardened service may not make code while it runs
        "jit=off",
        &max_connections,
    ];
    match durability {
        Durability::Kept => {
            settings.extend(["fsync=on", "synchronous_commit=on", "full_page_writes=on"]);
        }
        Durability::ThrownAway => settings.extend([
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "autovacuum=off",
            "wal_level=minimal",
            "max_wal_senders=0",
        ]),
    }
    settings.into_iter().map(ToOwned::to_owned).collect()
}

fn options(socket_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(PORT)
        .username("postgres")
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

async fn wait_until_ready(keeper: &mut Child, cluster: &Path) -> Result<()> {
    let ready = async {
        while !fs::read_to_string(cluster.join("postmaster.pid")).is_ok_and(|file| is_ready(&file)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ready = timeout(LONG, ready) => Ok(ready.context("it is not ready yet")?),
        status = keeper.wait() => bail!("it ended with {}", status?),
    }
}

/// PostgreSQL writes its state into the eighth line of postmaster.pid.
fn is_ready(file: &str) -> bool {
    file.lines().nth(7).is_some_and(|state| state.trim() == "ready")
}

async fn make_database(options: &PgConnectOptions) -> Result<()> {
    let mut connection = options.clone().database("postgres").connect().await?;
    let exists =
        sqlx::query_scalar!(r#"select exists (select from pg_database where datname = $1) as "exists!""#, DATABASE)
            .fetch_one(&mut connection)
            .await?;
    if !exists {
        sqlx::raw_sql("create database healthcare").execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
}
