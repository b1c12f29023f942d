//! The server that is measured, with a database of its own.

use std::{
    fs::{self, File, Permissions},
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};

use crate::client::Connection;

/// A folder that goes away with this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that runs, with its shipped settings but for the port, and the folder of its data.
pub(crate) struct Server {
    program: PathBuf,
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) postmaster: u32,
    pub(crate) socket_dir: String,
    // dropped last, when nobody uses it any more
    folder: Folder,
}

impl Server {
    /// Starts a program on a new database in a new folder.
    pub(crate) fn start(program: &Path, parent: &Path, number: usize) -> Result<Self> {
        let folder = Folder(parent.join(format!("throughput-{}-{number}", std::process::id())));
        fs::create_dir_all(&folder.0).with_context(|| format!("making {}", folder.0.display()))?;
        // PostgreSQL's user passes through it, if we are root
        fs::set_permissions(&folder.0, Permissions::from_mode(0o711))?;
        let program = program.canonicalize().with_context(|| program.display().to_string())?;
        Self::start_in(program, folder)
    }

    fn start_in(program: PathBuf, folder: Folder) -> Result<Self> {
        let log = File::options().create(true).append(true).open(folder.0.join("log"))?;
        let mut command = Command::new(&program);
        command.current_dir(&folder.0).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("PORT", "0").env("DATA_DIR", folder.0.join("data"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("its output")?);
        let Some(address) = address(&mut stdout)? else {
            let _ = child.wait();
            bail!("the server did not start: {}", fs::read_to_string(folder.0.join("log"))?);
        };
        let cluster = fs::read_to_string(folder.0.join("data/postgres/postmaster.pid")).context("no PostgreSQL")?;
        let line = |number| cluster.lines().nth(number).context("postmaster.pid is short");
        let (postmaster, socket_dir) = (line(0)?.parse()?, line(4)?.to_owned());
        Ok(Self { program, child, _stdout: stdout, address, postmaster, socket_dir, folder })
    }

    /// Stops it and starts it again. The new one, and the milliseconds until it answered a request.
    pub(crate) async fn restart(mut self, request: &[u8]) -> Result<(Self, f64)> {
        self.stop();
        let (program, folder) = (self.program.clone(), Folder(std::mem::take(&mut self.folder.0)));
        let begun = Instant::now();
        let server = Self::start_in(program, folder)?;
        let mut connection = Connection::open(server.address).await?;
        let answer = connection.exchange(request).await?;
        anyhow::ensure!(answer.status == 200, "the first answer is a {}", answer.status);
        Ok((server, begun.elapsed().as_secs_f64() * 1e3))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How to name it in results.
    pub(crate) fn name(&self) -> String {
        let short = self.program.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&self.program);
        short.display().to_string()
    }

    /// The key that signs its tokens.
    pub(crate) fn secret_key(&self) -> Result<String> {
        fs::read_to_string(self.folder.0.join("data/secret_key")).context("the server's secret key")
    }

    /// A folder inside the one of its data, which goes away with it.
    pub(crate) fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.0.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Connects to its database.
    pub(crate) async fn database(&self) -> Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass();
        let options = options.socket(&self.socket_dir).username("postgres").database("healthcare");
        Ok(options.disable_statement_logging().connect().await?)
    }

    /// Runs statements, all in one transaction.
    pub(crate) async fn sql(&self, sql: &str) -> Result<()> {
        let mut connection = self.database().await?;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.with_context(|| sql.to_owned())?;
        Ok(())
    }

    fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads what the server prints up to the address of its API.
fn address(stdout: &mut impl BufRead) -> Result<Option<SocketAddr>> {
    let mut line = String::new();
    while stdout.read_line(&mut line)? > 0 {
        if let Some(url) = line.strip_prefix("API ") {
            let authority = url.trim().trim_start_matches("http://").split('/').next();
            return Ok(Some(authority.unwrap_or_default().parse()?));
        }
        line.clear();
    }
    Ok(None)
}
