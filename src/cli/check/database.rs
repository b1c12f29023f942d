//! Whether the database can be used, and keeps what it is given.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result, anyhow};

use super::{Error, Finding, Note, Warning};
use crate::{
    config::{Config, Database},
    db::{
        Db, Inspection,
        embedded::{DataDir, Embedded},
    },
};

/// Connects, and looks. The error is why no server can use it.
pub(super) async fn findings(config: &Config, deploy: bool) -> Result<Vec<Finding>> {
    if let Database::External(options, name) = &config.database {
        let inspected = Db::inspect(options).await.map_err(|error| anyhow!("{error}"));
        let inspection = inspected.with_context(|| format!("{name} can't be used"))?;
        let mut findings = if deploy { of_any(&inspection) } else { Vec::new() };
        if deploy && inspection.role_is_superuser {
            findings.push(Finding::new(
                Warning,
                format!(
                    "{} is a superuser of PostgreSQL: it may do anything there, also beyond this database.",
                    options.get_username()
                ),
                "Make a role that only owns this database: create role app login; alter database … owner to app.",
            ));
        }
        return Ok(findings);
    }
    let Some(data_dir) = DataDir::existing(&config.data_dir, config.data_dir_is_default)? else {
        return Ok(Vec::new());
    };
    let mut findings = if deploy { readable_by_others(data_dir.path())? } else { Vec::new() };
    if data_dir.lock()?.is_none()
        && let Some(options) = Embedded::running(&data_dir)
    {
        let inspected = Db::inspect(&options).await.map_err(|error| anyhow!("{error}"));
        let inspection = inspected.context("the private PostgreSQL can't be used")?;
        findings.extend(of_any(&inspection).into_iter().filter(|_| deploy));
    } else if deploy {
        findings.push(Finding::new(
            Note,
            "The private PostgreSQL does not run, so nothing in it was looked at.",
            "Check again while the server runs.",
        ));
    }
    Ok(findings)
}

fn of_any(inspection: &Inspection) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for setting in &inspection.unsafe_settings {
        let what =
            format!("PostgreSQL's {setting} is off: a crash loses what was acknowledged, or breaks the database.");
        let remedy = format!("alter system set {setting} = on; select pg_reload_conf();");
        findings.push(Finding::new(Error, what, remedy));
    }
    if inspection.pending_migrations > 0 {
        let what = format!("Migrations that this database has not had: {}.", inspection.pending_migrations);
        let remedy = "Run `healthcare-backend migrate`; or start the server, which migrates.";
        findings.push(Finding::new(Warning, what, remedy));
    }
    if !inspection.later_migrations.is_empty() {
        let what = format!("The database has migrations of a later release: {:?}.", inspection.later_migrations);
        let remedy = "Use the later release; this one can use the database only if it is the one before.";
        findings.push(Finding::new(Warning, what, remedy));
    }
    if !inspection.has_superuser {
        findings.push(Finding::new(
            Note,
            "There is no active superuser.",
            "Make one with `healthcare-backend createsuperuser`.",
        ));
    }
    findings
}

/// What other users of this machine could read or change.
fn readable_by_others(dir: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    // as root, the directory is passed through by PostgreSQL's user
    for (path, others) in [(dir.to_owned(), 0o066), (dir.join("postgres"), 0o077), (dir.join("secret_key"), 0o077)] {
        if path.exists() && fs::metadata(&path)?.mode() & others != 0 {
            let what = format!("{} is open to other users of this machine.", path.display());
            findings.push(Finding::new(Error, what, format!("chmod go-rw {}", path.display())));
        }
    }
    Ok(findings)
}
