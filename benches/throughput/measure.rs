//! A run: servers and pgbench in turn, round by round.

use std::path::Path;

use anyhow::Result;
use chrono::Utc;

use crate::{
    drive::{Sample, drive, quantile},
    load::{Load, verification_cpu},
    operations::Operation,
    options::Options,
    pgbench::{self, Ceiling},
    process,
    results::{Figures, Results, ServerResults, round},
    server::Server,
};

/// The server of this source.
const OWN: &str = env!("CARGO_BIN_EXE_healthcare-backend");
/// How often a server is started, to know how long that takes.
const STARTS: u32 = 3;

/// A server with what is known of it so far.
struct Measured {
    server: Server,
    load: Load,
    first_answer: f64,
    idle: f64,
    /// The rounds of each operation.
    rounds: Vec<Vec<(Sample, Option<Ceiling>)>>,
}

/// Measures what the options say.
pub(crate) async fn measure(options: &Options) -> Result<Results> {
    let operations = options.operations();
    let own = [OWN.into()];
    let programs = if options.server.is_empty() { &own } else { options.server.as_slice() };
    let mut servers = Vec::new();
    for (number, program) in programs.iter().enumerate() {
        eprintln!("filling a database for {}", program.display());
        servers.push(Measured::start(program, options, number).await?);
    }
    let (rounds, seconds) = if options.check { (1, 0) } else { (options.rounds, options.seconds) };
    for number in 1..=rounds {
        for (index, operation) in operations.iter().enumerate() {
            for measured in &mut servers {
                let once = measured.once(*operation, seconds, options.without_pgbench, number).await?;
                eprintln!("round {number} of {rounds}, {}: {}", operation.label(), in_words(&once));
                if let Some(rounds) = measured.rounds.get_mut(index) {
                    rounds.push(once);
                }
            }
        }
    }
    let postgresql = match servers.first() {
        Some(measured) => measured.postgresql().await?,
        None => String::new(),
    };
    let servers = servers.iter().map(|measured| measured.results(&operations)).collect::<Result<_>>()?;
    let taken_at = Utc::now().format("%F").to_string();
    Ok(Results { taken_at, machine: process::machine(), postgresql, rounds, seconds, servers })
}

impl Measured {
    async fn start(program: &Path, options: &Options, number: usize) -> Result<Self> {
        let mut server = Server::start(program, &options.dir, number)?;
        let load = Load::fill(&server, options.check).await?;
        let request = format!(
            "GET /api/doctors/1/ HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            load.access(1)
        );
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let time;
            (server, time) = server.restart(request.as_bytes()).await?;
            times.push(time);
        }
        let idle = process::memory(server.pid(), "VmRSS")?;
        let rounds = options.operations().iter().map(|_| Vec::new()).collect();
        Ok(Self { server, load, first_answer: quantile(times, 0.5), idle, rounds })
    }

    /// Measures an operation once. Who goes first changes from round to round.
    async fn once(
        &mut self,
        operation: Operation,
        seconds: u32,
        is_alone: bool,
        number: u32,
    ) -> Result<(Sample, Option<Ceiling>)> {
        let Self { server, load, .. } = self;
        load.prepare(server, operation, seconds).await?;
        let pgbench = || if is_alone { Ok(None) } else { pgbench::run(server, load, operation, seconds) };
        let (sample, ceiling) = if number.is_multiple_of(2) {
            let ceiling = pgbench()?;
            (drive(server, load, operation, seconds).await?, ceiling)
        } else {
            (drive(server, load, operation, seconds).await?, pgbench()?)
        };
        load.tidy(server, operation).await?;
        Ok((sample, ceiling))
    }

    async fn postgresql(&self) -> Result<String> {
        let version = sqlx::query_scalar("select split_part(current_setting('server_version'), ' ', 1)");
        Ok(version.fetch_one(&mut self.server.database().await?).await?)
    }

    fn results(&self, operations: &[Operation]) -> Result<ServerResults> {
        let figures = operations.iter().zip(&self.rounds).map(|(operation, rounds)| Figures::new(*operation, rounds));
        Ok(ServerResults {
            program: self.server.name(),
            first_answer_ms: round(self.first_answer),
            idle_mb: round(self.idle),
            bare_argon2id_cpu_us: round(verification_cpu()?),
            operations: figures.collect(),
        })
    }
}

fn in_words((sample, ceiling): &(Sample, Option<Ceiling>)) -> String {
    let pgbench = ceiling.as_ref().map_or_else(String::new, |top| format!(", pgbench {:.0}", top.per_second));
    format!("{:.0} a second{pgbench}", sample.per_second)
}
