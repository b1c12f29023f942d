//! pgbench, at the same work on the same PostgreSQL.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    load::{Load, verifications_per_second},
    operations::Operation,
    process,
    server::Server,
    statements::script,
};

/// With these it reads all by the best index, and plans nothing twice; PostgreSQL does not know who has many rows.
const SETTINGS: &str =
    "-c enable_seqscan=off -c enable_bitmapscan=off -c jit=off -c plan_cache_mode=force_generic_plan";

/// What pgbench found.
pub(crate) struct Ceiling {
    pub(crate) per_second: f64,
    /// The processor time of PostgreSQL, in microseconds a transaction.
    pub(crate) postgres_cpu: f64,
}

/// Runs it for some seconds, if it can do this operation.
pub(crate) fn run(server: &Server, load: &Load, operation: Operation, seconds: u32) -> Result<Option<Ceiling>> {
    let scripts = scripts(operation, load);
    if scripts.is_empty() {
        return Ok(None);
    }
    let clients = operation.pgbench_clients().to_string();
    let mut command = Command::new(process::program_folder(server.postmaster)?.join("pgbench"));
    command.args(["-n", "-M", "prepared", "-U", "postgres", "-D", "count=0", "-h", &server.socket_dir]);
    command.args(["-c", &clients, "-j", "2"]);
    // a second is the least that -T takes
    let length = if seconds == 0 { "-t10".to_owned() } else { format!("-T{seconds}") };
    command.arg(length);
    command.env("PGOPTIONS", SETTINGS);
    let folder = server.new_folder("pgbench")?;
    for (part, weight, script) in &scripts {
        let file = folder.join(part.name());
        fs::write(&file, script)?;
        command.arg("-f").arg(format!("{}@{weight}", file.display()));
    }
    let before = process::postgres_cpu(server.postmaster);
    let output = command.arg("healthcare").output().context("running pgbench")?;
    let cpu = process::postgres_cpu(server.postmaster) - before;
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "pgbench failed at {operation:?}: {errors}");
    let number = |name: &str| -> Result<f64> {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)).with_context(|| printed.to_string())?;
        let number = line.trim().split([' ', '/']).next().unwrap_or_default();
        number.parse().with_context(|| printed.to_string())
    };
    let count = number("number of transactions actually processed:")?;
    let per_second = with_logins(number("tps =")?, &scripts)?;
    Ok(Some(Ceiling { per_second, postgres_cpu: cpu as f64 / count.max(1.0) }))
}

/// Adds the time that the passwords of logins take on all processors, which pgbench can't verify.
fn with_logins(per_second: f64, scripts: &[(Operation, u32, String)]) -> Result<f64> {
    let weights = |is_counted: fn(Operation) -> bool| -> f64 {
        scripts.iter().filter(|(part, _, _)| is_counted(*part)).map(|(_, weight, _)| f64::from(*weight)).sum()
    };
    let logins = weights(|part| part == Operation::Login) / weights(|_| true);
    if logins == 0.0 {
        return Ok(per_second);
    }
    Ok(1.0 / (1.0 / per_second + logins / verifications_per_second()?))
}

/// The parts of an operation, with their weights and scripts.
fn scripts(operation: Operation, load: &Load) -> Vec<(Operation, u32, String)> {
    let itself = [(operation, 1)];
    let parts = if operation.parts().is_empty() { &itself } else { operation.parts() };
    parts.iter().filter_map(|(part, weight)| Some((*part, *weight, script(*part, load)?))).collect()
}
