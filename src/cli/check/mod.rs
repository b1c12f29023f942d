//! `check`, as Django's: what is wrong with the settings, the database and, with `--deploy`, with a deployment.

use std::{io, process::ExitCode};

use clap::Args;

use super::say;
use crate::config::Config;

mod database;
mod settings;

/// What to look at.
#[derive(Args)]
pub(super) struct Check {
    /// Look at what matters where others reach the server, too
    #[arg(long)]
    deploy: bool,
}

/// How bad it is. The word begins the line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    /// Dangerous, or it does not work at all.
    Error,
    /// Dangerous in most deployments.
    Warning,
    /// Worth a thought.
    Note,
}

use Severity::{Error, Note, Warning};

impl Severity {
    fn word(self) -> &'static str {
        match self {
            Error => "error",
            Warning => "warning",
            Note => "note",
        }
    }
}

/// What was found, and what to do.
struct Finding {
    severity: Severity,
    what: String,
    remedy: String,
}

impl Finding {
    fn new(severity: Severity, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity, what: what.into(), remedy: remedy.into() }
    }
}

/// Prints what is found. It fails if there is an error.
pub(super) async fn run(config: &Config, faults: &[String], arguments: Check) -> ExitCode {
    let mut findings: Vec<Finding> = faults
        .iter()
        .map(|fault| Finding::new(Error, format!("{fault}."), "Correct the setting: see --help."))
        .collect();
    if arguments.deploy {
        findings.extend(settings::findings(config));
    }
    // the database of wrong settings is another one
    if faults.is_empty() {
        let looked = database::findings(config, arguments.deploy).await;
        findings.extend(looked.unwrap_or_else(|error| vec![Finding::new(Error, format!("{error:#}."), UNUSABLE)]));
    }
    findings.sort_by_key(|finding| finding.severity);
    say(&mut io::stdout(), &report(&findings));
    if findings.iter().any(|finding| finding.severity == Error) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

const UNUSABLE: &str = "The server does not start until this is put right.";

fn report(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "System check identified no issues.".into();
    }
    let line = |Finding { severity, what, remedy }: &Finding| format!("{}: {what}\n    {remedy}\n", severity.word());
    let lines: String = findings.iter().map(line).collect();
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [Error, Warning, Note].map(|severity| format!("{}s: {}", severity.word(), count(severity)));
    format!("System check identified some issues:\n\n{lines}\n{}", counts.join(", "))
}
