//! What was found, as it is kept in JSON: medians of all rounds.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    drive::{Sample, quantile},
    operations::Operation,
    pgbench::Ceiling,
};

/// All of a run.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) taken_at: String,
    pub(crate) machine: String,
    pub(crate) postgresql: String,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) servers: Vec<ServerResults>,
}

/// What one server can do.
#[derive(Serialize, Deserialize)]
pub(crate) struct ServerResults {
    pub(crate) program: String,
    /// Milliseconds from its start, on a database that exists, to its first answer.
    pub(crate) first_answer_ms: f64,
    /// What it holds before anybody asks.
    pub(crate) idle_mb: f64,
    /// The processor time of nothing but one verification of a password.
    pub(crate) bare_argon2id_cpu_us: f64,
    pub(crate) operations: Vec<Figures>,
}

/// What was measured of an operation.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) operation: String,
    pub(crate) label: String,
    pub(crate) requests_per_second: f64,
    pub(crate) pgbench_per_second: Option<f64>,
    /// Requests of the server for each transaction of pgbench.
    pub(crate) share_of_pgbench: Option<f64>,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of lists.
    pub(crate) first_byte_ms: Option<f64>,
    pub(crate) server_cpu_us: f64,
    pub(crate) postgres_cpu_us: f64,
    pub(crate) pgbench_postgres_cpu_us: Option<f64>,
    /// The most that the server held, in the first round: later ones would show what logins have left behind.
    pub(crate) peak_mb: f64,
    /// How many requests got a 503, and were sent again.
    pub(crate) refused: f64,
}

impl Results {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        serde_json::from_str(&text).with_context(|| file.display().to_string())
    }

    /// The names of all operations that were measured.
    pub(crate) fn operations(&self) -> String {
        let figures = self.servers.iter().take(1).flat_map(|server| &server.operations);
        figures.map(|figures| figures.label.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("writing {}", file.display()))
    }
}

impl Figures {
    /// The medians of all rounds. Shares are taken within a round, where the machine was as busy.
    pub(crate) fn new(operation: Operation, rounds: &[(Sample, Option<Ceiling>)]) -> Self {
        let median =
            |of: fn(&Sample) -> f64| round(quantile(rounds.iter().map(|(sample, _)| of(sample)).collect(), 0.5));
        let of_pgbench = |of: fn(&Sample, &Ceiling) -> f64| {
            let values: Vec<f64> = rounds.iter().filter_map(|(sample, top)| Some(of(sample, top.as_ref()?))).collect();
            (!values.is_empty()).then(|| round(quantile(values, 0.5)))
        };
        Self {
            operation: operation.name(),
            label: operation.label().to_owned(),
            requests_per_second: median(|sample| sample.per_second),
            pgbench_per_second: of_pgbench(|_, top| top.per_second),
            share_of_pgbench: of_pgbench(|sample, top| sample.per_second / top.per_second),
            p50_ms: median(|sample| sample.p50),
            p99_ms: median(|sample| sample.p99),
            first_byte_ms: operation.is_list().then(|| median(|sample| sample.first_byte)),
            server_cpu_us: median(|sample| sample.server_cpu),
            postgres_cpu_us: median(|sample| sample.postgres_cpu),
            pgbench_postgres_cpu_us: of_pgbench(|_, top| top.postgres_cpu),
            peak_mb: rounds.first().map_or(0.0, |(sample, _)| round(sample.peak)),
            refused: median(|sample| sample.refused),
        }
    }
}

/// To a thousandth.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
