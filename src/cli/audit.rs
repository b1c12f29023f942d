//! `audit export`: what the database wrote down, for the operator.

use std::io::{self, Write};

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

use super::accounts::{readable, with_database};
use crate::{
    auth::Operator,
    config::Config,
    db::{Db, audit_export::Place},
    input,
};

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Write all changes, events and reads to standard output, in the order of their times: one JSON object a line
    Export(Export),
}

/// Of which time.
#[derive(Args)]
pub(super) struct Export {
    /// From this time on: 2026-01-31, or 2026-01-31T09:30:00Z
    #[arg(long, value_parser = time)]
    since: Option<DateTime<Utc>>,
    /// What is before this time
    #[arg(long, value_parser = time)]
    until: Option<DateTime<Utc>>,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    input::parse_time(text).ok_or_else(|| "not a time such as 2026-01-31 or 2026-01-31T09:30:00Z".into())
}

/// Writes the audit to standard output.
pub(super) async fn export(config: &Config, wanted: &Export) -> Result<()> {
    with_database(config, async |db| {
        match write(db, wanted).await {
            // whoever read it has enough
            Err(error) if is_closed(&error) => Ok(()),
            written => written,
        }
    })
    .await
}

async fn write(db: &Db, wanted: &Export) -> Result<()> {
    let operator = Operator::of_process();
    let mut place = Place::at(wanted.since.unwrap_or(DateTime::UNIX_EPOCH));
    let mut out = io::BufWriter::new(io::stdout().lock());
    loop {
        let records = db.audit_records(&operator, &mut place, wanted.until).await.map_err(readable)?;
        if records.is_empty() {
            return Ok(out.flush()?);
        }
        for record in records {
            writeln!(out, "{record}")?;
        }
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
