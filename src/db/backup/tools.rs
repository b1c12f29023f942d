//! pg_dump and pg_restore, and how they are told where the database is: by their environment, since everybody can read
//! command lines.

use std::{
    ffi::OsString,
    fs::File,
    path::Path,
    process::{Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use percent_encoding::percent_decode_str;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::process::Command;

use crate::db::embedded::Programs;

/// How long a dump waits for a migration that changes a table, in milliseconds.
const LOCK: &str = "--lock-wait-timeout=60000";

/// The programs, and a database.
pub(super) struct Tools {
    programs: Programs,
    environment: Vec<(&'static str, OsString)>,
    database: String,
}

impl Tools {
    pub(super) fn new(programs: Programs, options: &PgConnectOptions) -> Self {
        let host = options.get_socket().map_or_else(|| options.get_host().into(), |socket| socket.clone().into());
        let database = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", options.get_port().to_string().into()),
            ("PGUSER", options.get_username().into()),
            ("PGDATABASE", database.clone().into()),
            ("PGAPPNAME", "healthcare-backend".into()),
        ];
        environment.extend(options.get_options().map(|options| ("PGOPTIONS", options.into())));
        // the options say the rest only in a URL, which they can't make of every name
        let url = options.clone().socket("/").username("user").database("database").to_url_lossy();
        environment.extend(url.password().map(|password| ("PGPASSWORD", decoded(password))));
        environment.extend(url.query_pairs().filter_map(|(name, value)| {
            let variable = match &*name {
                "sslmode" => "PGSSLMODE",
                "sslrootcert" => "PGSSLROOTCERT",
                "sslcert" => "PGSSLCERT",
                "sslkey" => "PGSSLKEY",
                _ => return None,
            };
            Some((variable, value.into_owned().into()))
        }));
        Self { programs, environment, database }
    }

    pub(super) fn version(&self) -> &str {
        &self.programs.version
    }

    /// Writes the database as it is now.
    pub(super) async fn dump(&self, file: &File) -> Result<()> {
        let mut dump = self.command("pg_dump");
        dump.args(["--format=custom", "--no-password", LOCK]).stdout(file.try_clone()?);
        self.run(dump, "pg_dump").await?;
        Ok(())
    }

    /// Reads every byte of a dump, and does nothing with it.
    pub(super) async fn read_whole(&self, dump: &Path) -> Result<()> {
        let mut read = self.command("pg_restore");
        read.arg("--file=/dev/null").arg(dump);
        self.run(read, "pg_restore").await?;
        Ok(())
    }

    /// The contents of a dump, one a line.
    pub(super) async fn list(&self, dump: &Path) -> Result<String> {
        let mut list = self.command("pg_restore");
        list.arg("--list").arg(dump);
        text(self.run(list, "pg_restore").await?)
    }

    /// The rows of a table in a dump, in the form of COPY. Empty: it has no such table.
    pub(super) async fn rows(&self, dump: &Path, table: &str) -> Result<String> {
        let mut rows = self.command("pg_restore");
        rows.args(["--data-only", "--file=-", "--table", table]).arg(dump);
        text(self.run(rows, "pg_restore").await?)
    }

    /// Puts the listed contents of a dump into the database: all or nothing.
    pub(super) async fn restore(&self, dump: &Path, list: &Path) -> Result<()> {
        let mut restore = self.command("pg_restore");
        let quoted = self.database.replace('\\', "\\\\").replace('\'', "\\'");
        restore.args(["--single-transaction", "--exit-on-error", "--no-password", "--no-owner", "--no-acl"]);
        restore.arg("--no-comments").arg(format!("--dbname=dbname='{quoted}'"));
        restore.arg("--use-list").arg(list).arg(dump);
        self.run(restore, "pg_restore").await?;
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.path(program));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            // where passwords are is the operator's business
            if name.starts_with("PG") && name != "PGPASSFILE" {
                command.env_remove(&*name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Ctrl-C reaches the command, which then ends this
        command.process_group(0);
        command
    }

    async fn run(&self, mut command: Command, program: &str) -> Result<Output> {
        let child = command.spawn().with_context(|| format!("starting {program}"))?;
        let output = child.wait_with_output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program} {} failed:\n{}", self.version(), said.trim_end());
        Ok(output)
    }
}

fn decoded(text: &str) -> OsString {
    percent_decode_str(text).decode_utf8_lossy().into_owned().into()
}

fn text(output: Output) -> Result<String> {
    String::from_utf8(output.stdout).context("the contents of the backup")
}
