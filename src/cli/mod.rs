//! The command line.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    config::{Config, Settings},
    db::embedded,
};

mod accounts;
mod audit;
mod backup;
mod check;
mod createuser;
mod import_django;
mod lines;
mod log;
mod prompts;
mod run;
mod stop;
mod upgrade;

use accounts::{Changepassword, Deleteuser, Login};
use audit::Audit;
use backup::{Backup, Restore};
use check::Check;
use createuser::{Createsuperuser, Createuser};
use import_django::ImportDjango;
use lines::Lines;
use upgrade::Upgrade;

/// A healthcare backend: patients, doctors and who treats whom, as a REST API over PostgreSQL.
///
/// Each setting is a flag, an environment variable, or a line of a file `.env` in the current directory.
#[derive(Parser)]
#[command(name = "healthcare-backend", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand, Default)]
enum Command {
    /// Migrate the database, and serve the API (what is done when no command is given)
    #[default]
    Serve,
    /// Bring the schema of the database up to date
    Migrate,
    /// Look for what is wrong with the settings and the database, without changing anything
    Check(Check),
    /// Make an account that may do everything
    Createsuperuser(Createsuperuser),
    /// Make an account that keeps patients, as registration does
    Createuser(Createuser),
    /// Give an account another password, and end its sessions
    Changepassword(Changepassword),
    /// Let an account log in no more, and end its sessions; its patients stay
    Deactivateuser(Login),
    /// Let an account log in again
    Activateuser(Login),
    /// Delete an account, with its patients and their mappings
    Deleteuser(Deleteuser),
    /// Move users, patients, doctors and mappings over from the database of a Django service
    ImportDjango(ImportDjango),
    /// What was changed and read, by whom and when
    #[command(subcommand)]
    Audit(Audit),
    /// Put all data into a new file, also while a server runs
    Backup(Backup),
    /// Put the data of a backup into a database that is empty
    Restore(Restore),
    /// Move the data of the private PostgreSQL to a newer version of PostgreSQL; the old data stays beside it
    Upgrade(Upgrade),
    /// Run a throw-away PostgreSQL for the tests, until none of them has used it for a while
    #[command(hide = true)]
    TestDatabase { dir: PathBuf },
}

impl Cli {
    /// The command line's definition; settings may stand before or behind the command, and one that the environment
    /// leaves empty is not given, but for the rules for passwords and the limits: none of them is a choice, as in Django's
    /// settings.
    pub fn definition() -> clap::Command {
        Self::command().mut_args(|arg| {
            let arg = arg.global(true).hide_env_values(true);
            #[expect(clippy::disallowed_methods, reason = "whether it is empty")]
            let value = arg.get_env().and_then(std::env::var_os);
            let id = arg.get_id().as_str();
            let may_be_empty = id == "auth_password_validators" || id.starts_with("throttle_");
            if !may_be_empty && value.is_some_and(|value| value.is_empty()) { arg.env(None::<&str>) } else { arg }
        })
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let environment = load_environment();
    let cli = match Cli::from_arg_matches(&Cli::definition().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let (config, wrong) = Config::read(&cli.settings);
    let faults = [environment.err().into_iter().collect(), wrong].concat();
    let command = cli.command.unwrap_or_default();
    if !faults.is_empty() && !matches!(command, Command::Check(_)) {
        return wrong_settings(&faults);
    }
    if let Err(error) = log::start(&cli.settings.rust_log, Lines::new(config.logs_json)) {
        say(&mut io::stderr(), &format!("error: {error}"));
        return ExitCode::FAILURE;
    }
    let ran = run(command, &config, &faults).unwrap_or_else(|error| {
        log::print_error(&format!("{error:#}"));
        ExitCode::FAILURE
    });
    log::flush();
    ran
}

fn run(command: Command, config: &Config, faults: &[String]) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Check(arguments) => return Ok(check::run(config, faults, arguments).await),
            Command::Serve => run::serve(config).await,
            Command::Migrate => run::migrate(config).await,
            Command::Createsuperuser(arguments) => createuser::create_superuser(config, arguments).await,
            Command::Createuser(arguments) => createuser::create_user(config, arguments).await,
            Command::Changepassword(arguments) => accounts::change_password(config, arguments).await,
            Command::Deactivateuser(arguments) => accounts::deactivate(config, arguments).await,
            Command::Activateuser(arguments) => accounts::activate(config, arguments).await,
            Command::Deleteuser(arguments) => accounts::delete(config, arguments).await,
            Command::ImportDjango(arguments) => import_django::import(config, arguments).await,
            Command::Audit(Audit::Export(wanted)) => audit::export(config, &wanted).await,
            Command::Backup(arguments) => backup::back_up(config, &arguments).await,
            Command::Restore(arguments) => backup::restore(config, &arguments).await,
            Command::Upgrade(arguments) => upgrade::upgrade(config, &arguments).await,
            Command::TestDatabase { dir } => embedded::serve_tests(&dir, config.pg_bindir.as_deref()).await,
        }?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Reads `.env` beside the user. What the environment has already wins.
fn load_environment() -> Result<(), String> {
    let file = match std::fs::read_to_string(".env") {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!(".env: {error}")),
    };
    // a line may hold a password: only its number is said
    let unreadable = |is_it: &dyn Fn(&str) -> bool| {
        let number = file.lines().position(is_it).map_or(0, |index| index + 1);
        format!(".env: line {number} can't be read: put 'single quotes' around a value that is not plain")
    };
    // dotenvy would put another variable in place of $word, as no other reader of .env files does
    let has_variable = |line: &str| !line.trim_start().starts_with('#') && line.contains('$') && !line.contains('\'');
    if file.lines().any(has_variable) {
        return Err(unreadable(&has_variable));
    }
    match dotenvy::from_read(file.as_bytes()) {
        Err(dotenvy::Error::LineParse(part, _)) => Err(unreadable(&|line| line.contains(part.trim()))),
        Err(error) => Err(format!(".env: {error}")),
        Ok(()) => Ok(()),
    }
}

fn wrong_settings(faults: &[String]) -> ExitCode {
    say(&mut io::stderr(), &format!("These settings are wrong:\n  {}\nSee --help.", faults.join("\n  ")));
    ExitCode::from(2)
}

fn say(out: &mut impl Write, text: &str) {
    // nobody listens: then nobody is told
    let _ = writeln!(out, "{text}");
}
