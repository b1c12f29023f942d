//! The commands: a database that runs, a server over it.

use std::{io, net::SocketAddr, thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use sd_notify::NotifyState;
use sqlx::postgres::PgConnectOptions;
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

use super::{say, stop::stop_signal};
use crate::{
    app::{App, watched_app},
    auth::{Passwords, Tokens, secret_key},
    config::{AdminPath, Config, Database},
    db::{
        Db, SchemaError,
        embedded::{DataDir, Durability, Embedded},
    },
    health::Health,
    server::{self, Connections},
};

/// How often old rows are purged.
const PURGE: Duration = Duration::from_mins(10);
/// How long a migration waits for the one of another server.
pub(super) const MIGRATION: Duration = Duration::from_mins(2);

/// Serves until the process is told to stop.
pub(super) async fn serve(config: &Config) -> Result<()> {
    let stop = stop_signal()?;
    tokio::pin!(stop);
    tokio::select! {
        // what is being started ends with this process
        () = &mut stop => return Ok(()),
        started = Started::new(config) => started?,
    }
    .serve(stop)
    .await
}

/// A server that is ready to serve.
struct Started {
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    app: App,
    health: Health,
    connections: usize,
    db: Db,
    database: Running,
    drain_delay: Duration,
    audit_retention: Option<Duration>,
    admin: Option<AdminPath>,
}

impl Started {
    async fn new(config: &Config) -> Result<Self> {
        let connections = server::room_for_connections(config.db_connections, config.metrics_addr.is_some())?;
        let address = SocketAddr::from(config.listen);
        let listen = |address| server::listen(address).with_context(|| format!("listening on {address}"));
        let listener = listen(address)?;
        let metrics_listener = config.metrics_addr.map(listen).transpose()?;
        let database = Running::new(config, Sharing::Refused).await?;
        database.migrate().await?;
        let secret_key = match &config.secret_key {
            Some(key) => key.clone(),
            None => secret_key::of_directory(data_dir(config)?.path()).context("the SECRET_KEY of DATA_DIR")?,
        };
        let db = Db::auditing(database.options.clone(), config.db_connections, config.read_audit);
        let lifetimes = (config.access_token_lifetime, config.refresh_token_lifetime);
        let tokens = Tokens::new(&secret_key, &config.secret_key_fallbacks, lifetimes.0, lifetimes.1);
        let health = Health::new(db.clone());
        let app = watched_app(db.clone(), tokens, Passwords::new(&config.password_rules), &config.exposure, &health);
        Ok(Self {
            listener,
            metrics_listener,
            app,
            health,
            connections,
            db,
            database,
            drain_delay: config.drain_delay,
            audit_retention: config.audit_retention,
            admin: config.exposure.admin_path.clone(),
        })
    }

    async fn serve(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let address = self.listener.local_addr()?;
        let program = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
        let api = format!("http://{address}/api/");
        let admin = self.admin.as_ref().map(|path| format!("Admin     http://{address}{path}\n")).unwrap_or_default();
        let metrics = match &self.metrics_listener {
            Some(listener) => format!("Metrics   http://{}/metrics\n", listener.local_addr()?),
            None => String::new(),
        };
        let database = &self.database.name;
        let printed = format!("{program}\nDocs      {api}docs/\nAPI       {api}\n{admin}{metrics}Database  {database}");
        // a reader that stalls must not keep it from serving
        thread::spawn(move || say(&mut io::stdout(), &printed));
        let purging = tokio::spawn(purge(self.db.clone(), self.audit_retention));
        let (drained, is_drained) = oneshot::channel::<()>();
        let telling = self.metrics_listener.map(|listener| {
            tokio::spawn(server::serve(listener, self.health.app(), usize::from(server::WATCHERS), async {
                let _ = is_drained.await;
            }))
        });
        let mut lost = Ok(());
        let stop = async {
            let told = async {
                stop.await;
                tell_systemd(NotifyState::Stopping);
                self.health.drain();
                sleep(self.drain_delay).await;
            };
            tokio::select! {
                () = told => {}
                error = self.database.keep() => {
                    self.health.drain();
                    lost = Err(error);
                }
            }
        };
        let connections = Connections::new(self.connections);
        connections.show(self.health.metrics());
        tell_systemd(NotifyState::Ready);
        server::serve(self.listener, self.app, connections, stop).await;
        drop(drained);
        if let Some(telling) = telling {
            telling.await?;
        }
        purging.abort();
        lost?;
        self.db.close().await;
        self.database.stop().await
    }
}

/// Says to systemd, if that has started the server, what it waits for.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("telling systemd: {error}");
    }
}

/// Deletes what is old, from time to time: the idempotency keys of yesterday, the failed logins that no longer count, and the
/// records of reads.
async fn purge(db: Db, audit_retention: Option<Duration>) {
    let mut ticks = tokio::time::interval(PURGE);
    loop {
        ticks.tick().await;
        if let Err(error) = db.purge_keys().await {
            tracing::warn!("purging idempotency keys: {error}");
        }
        if let Err(error) = db.purge_sessions().await {
            tracing::warn!("purging logins that are over: {error}");
        }
        if let Err(error) = db.purge_login_failures().await {
            tracing::warn!("purging failed logins: {error}");
        }
        if let Some(retention) = audit_retention {
            match db.drop_old_reads(retention).await {
                Ok(tables) if tables.is_empty() => {}
                Ok(tables) => tracing::info!("dropped {}, as AUDIT_RETENTION says", tables.join(", ")),
                Err(error) => tracing::warn!("dropping old records of reads: {error}"),
            }
        }
    }
}

/// Brings the schema up to date.
pub(super) async fn migrate(config: &Config) -> Result<()> {
    let database = Running::new(config, Sharing::Wanted).await?;
    database.migrate().await?;
    say(&mut io::stdout(), &format!("The schema is up to date: {}", database.name));
    database.stop().await
}

/// Whether to use the embedded PostgreSQL that another process has started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    Refused,
    Wanted,
}

/// The database of the configuration, running.
pub(super) struct Running {
    pub(super) options: PgConnectOptions,
    pub(super) name: String,
    embedded: Option<Embedded>,
    /// Whether each transaction has another connection to it.
    is_pooled: bool,
}

impl Running {
    pub(super) async fn new(config: &Config, sharing: Sharing) -> Result<Self> {
        if let Database::External(options, name) = &config.database {
            return Self::external(options, name, config.database_wait).await;
        }
        let data_dir = data_dir(config)?;
        let dir = data_dir.path().display().to_string();
        if sharing == Sharing::Wanted
            && data_dir.lock()?.is_none()
            && let Some(options) = Embedded::running(&data_dir)
        {
            return Ok(Self {
                options,
                name: format!("PostgreSQL, embedded in {dir}"),
                embedded: None,
                is_pooled: false,
            });
        }
        let embedded =
            Embedded::start(data_dir, config.pg_bindir.as_deref(), Durability::Kept, config.db_connections).await?;
        let name = format!("PostgreSQL {}, embedded in {dir}", embedded.version());
        Ok(Self { options: embedded.options(), name, embedded: Some(embedded), is_pooled: false })
    }

    /// A database of one's own, when it answers.
    async fn external(options: &PgConnectOptions, name: &str, patience: Duration) -> Result<Self> {
        let is_pooled = async {
            Db::await_start(options, name, patience).await?;
            Db::is_pooled(options).await
        };
        let is_pooled = usable(name, is_pooled.await)?;
        Ok(Self { options: options.clone(), name: name.to_owned(), embedded: None, is_pooled })
    }

    pub(super) async fn migrate(&self) -> Result<()> {
        let migrated = if self.is_pooled {
            Db::refuse_to_migrate(&self.options).await
        } else {
            Db::migrate(&self.options, MIGRATION).await
        };
        usable(&self.name, migrated)
    }

    /// Starts the embedded PostgreSQL again when it has ended by itself. Done when that does not help.
    async fn keep(&mut self) -> anyhow::Error {
        let Some(embedded) = &mut self.embedded else {
            return std::future::pending().await;
        };
        loop {
            embedded.ended().await;
            tracing::error!("PostgreSQL ended by itself, and is started again; its log is postgres.log in DATA_DIR");
            let mut restarted = embedded.restart().await;
            for seconds in [1, 2, 4, 8] {
                if restarted.is_err() {
                    // what it left may take a while to end
                    sleep(Duration::from_secs(seconds)).await;
                    restarted = embedded.restart().await;
                }
            }
            if let Err(error) = restarted {
                return error;
            }
        }
    }

    pub(super) async fn stop(self) -> Result<()> {
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// Says which database an error is about.
fn usable<T>(name: &str, result: Result<T, SchemaError>) -> Result<T> {
    // sqlx says the cause in its own words already
    result.map_err(|error| anyhow!("{error}")).with_context(|| format!("{name} can't be used"))
}

fn data_dir(config: &Config) -> Result<DataDir> {
    if config.data_dir_is_default { DataDir::by_default(&config.data_dir) } else { DataDir::at(&config.data_dir) }
}
