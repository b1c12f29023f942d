//! Accounts from the command line, with Django's prompts. Both commands work beside a server that runs.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
use serde_json::{Map, Value, json};

use super::{
    run::{Running, Sharing},
    say,
};
use crate::{
    accounts::{self, NewAccount, Rank, read},
    auth::Passwords,
    config::Config,
    db::Db,
    error::ApiError,
    input::Body,
};

/// What the audit notes in data_dir of a request's id.
const REQUEST_ID: &str = "cli";

/// A password that breaks no rule, whatever the account is called.
const STANDS_FOR_ANY: &str = "\u{2603}\u{2603}\u{2603}\u{2603}\u{2603}\u{2603}\u{2603}\u{2603}";

/// What is not given is asked for.
#[derive(Args)]
pub(super) struct Createsuperuser {
    /// E-mail address to log in with
    #[arg(long)]
    email: Option<String>,
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Username to log in with, if there shall be one
    #[arg(long)]
    username: Option<String>,
    /// Read the password from standard input, and ask for nothing: for scripts
    #[arg(long)]
    password_stdin: bool,
}

/// Whose password, and where it comes from.
#[derive(Args)]
pub(super) struct Changepassword {
    /// E-mail address or username of the account
    login: String,
    /// Read the password from standard input, and ask for nothing: for scripts
    #[arg(long)]
    password_stdin: bool,
}

/// Makes a superuser.
pub(super) async fn create(config: &Config, arguments: Createsuperuser) -> Result<()> {
    let asks = !arguments.password_stdin;
    let passwords = Passwords::new(&config.password_rules);
    with_database(config, async |db| {
        let mut account = Map::new();
        for (field, label, given) in [("email", "Email", arguments.email), ("name", "Name", arguments.name)] {
            if let Some(value) = given {
                account.insert(field.into(), json!(value));
                if let Some(error) = complaint(db, &passwords, &account, field).await? {
                    bail!("{field}: {error}");
                }
            } else if asks {
                ask_until_good(db, &passwords, &mut account, field, label).await?;
            } else {
                bail!("--{field} is needed with --password-stdin");
            }
        }
        if let Some(username) = arguments.username {
            account.insert("username".into(), json!(username));
        }
        let chosen = if asks {
            choose_password(Weak::IfWanted, |password| password_errors(&passwords, &account, password))?
        } else {
            from_stdin()?
        };
        // one that was asked for has been judged already: any good one stands for it
        let judged = if asks { STANDS_FOR_ANY } else { &chosen };
        account.insert("password".into(), json!(judged));
        let account = read(db, &passwords, &Body::from(account)).await.map_err(readable)?;
        let account = NewAccount { password: chosen, ..account };
        accounts::create(db, &passwords, account, Rank::Superuser, REQUEST_ID).await.map_err(readable)?;
        say(&mut io::stdout(), "Superuser created successfully.");
        Ok(())
    })
    .await
}

/// Gives an account another password.
pub(super) async fn change_password(config: &Config, arguments: Changepassword) -> Result<()> {
    let passwords = Passwords::new(&config.password_rules);
    with_database(config, async |db| {
        let login = &arguments.login;
        let found = db.credentials(login).await.map_err(readable)?;
        let account = found.with_context(|| format!("user '{login}' does not exist"))?;
        let username = account.username.as_deref().unwrap_or_default();
        let attributes = [("username", username), ("name", &account.name), ("email", &account.email)];
        let errors = |password: &str| passwords.validate(password, &attributes);
        let chosen = if arguments.password_stdin {
            let chosen = from_stdin()?;
            let errors = errors(&chosen);
            if !errors.is_empty() {
                bail!("{}", errors.join(" "));
            }
            chosen
        } else {
            say(&mut io::stdout(), &format!("Changing password for user '{login}'"));
            choose_password(Weak::Never, errors)?
        };
        let hash = passwords.hash(chosen).await.map_err(readable)?;
        db.change_password(account.user_id, &hash, REQUEST_ID).await.map_err(readable)?;
        say(&mut io::stdout(), &format!("Password changed successfully for user '{login}'"));
        Ok(())
    })
    .await
}

/// Ctrl-C at a prompt for a password must not leave a terminal that shows nothing.
fn give_the_terminal_back_on_interrupt() {
    let Ok(terminal) = File::open("/dev/tty") else {
        return;
    };
    let Ok(before) = tcgetattr(&terminal) else {
        return;
    };
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = tcsetattr(&terminal, SetArg::TCSANOW, &before);
            say(&mut io::stderr(), "\nOperation cancelled.");
            #[expect(clippy::exit, reason = "a prompt waits in another thread")]
            std::process::exit(1);
        }
    });
}

async fn with_database(config: &Config, work: impl AsyncFnOnce(&Db) -> Result<()>) -> Result<()> {
    give_the_terminal_back_on_interrupt();
    let database = Running::new(config, Sharing::Wanted).await?;
    database.migrate().await?;
    let db = Db::new(database.options.clone(), 1);
    let done = work(&db).await;
    db.close().await;
    database.stop().await?;
    done
}

/// What is wrong with one field of an account that is not whole yet.
async fn complaint(
    db: &Db,
    passwords: &Passwords,
    account: &Map<String, Value>,
    field: &str,
) -> Result<Option<String>> {
    match read(db, passwords, &Body::from(account.clone())).await {
        Err(ApiError::Invalid(errors)) => Ok(errors.of(field)),
        Err(other) => Err(readable(other)),
        Ok(_) => Ok(None),
    }
}

async fn ask_until_good(
    db: &Db,
    passwords: &Passwords,
    account: &mut Map<String, Value>,
    field: &str,
    label: &str,
) -> Result<()> {
    loop {
        account.insert(field.into(), json!(ask(&format!("{label}: "))?));
        match complaint(db, passwords, account, field).await? {
            None => return Ok(()),
            Some(error) => say(&mut io::stderr(), &format!("Error: {error}")),
        }
    }
}

fn password_errors(passwords: &Passwords, account: &Map<String, Value>, chosen: &str) -> Vec<String> {
    let text = |field| account.get(field).and_then(Value::as_str).unwrap_or_default();
    let attributes = [("username", text("username")), ("name", text("name")), ("email", text("email"))];
    passwords.validate(chosen, &attributes)
}

/// Whether a password may break the rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weak {
    Never,
    IfWanted,
}

/// Asks twice, as Django does, until it is a good one.
fn choose_password(weak: Weak, errors: impl Fn(&str) -> Vec<String>) -> Result<String> {
    loop {
        let chosen = ask_secretly("Password: ")?;
        if chosen != ask_secretly("Password (again): ")? {
            say(&mut io::stderr(), "Error: Your passwords didn't match.");
        } else if chosen.trim().is_empty() {
            say(&mut io::stderr(), "Error: Blank passwords aren't allowed.");
        } else {
            let errors = errors(&chosen);
            if errors.is_empty() {
                return Ok(chosen);
            }
            say(&mut io::stderr(), &errors.join("\n"));
            let question = "Bypass password validation and create user anyway? [y/N]: ";
            if weak == Weak::IfWanted && ask(question)?.eq_ignore_ascii_case("y") {
                return Ok(chosen);
            }
        }
    }
}

fn ask(prompt: &str) -> Result<String> {
    let mut stdout = io::stdout();
    write!(stdout, "{prompt}")?;
    stdout.flush()?;
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        bail!("Operation cancelled.");
    }
    Ok(line.trim().to_owned())
}

fn ask_secretly(prompt: &str) -> Result<String> {
    rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => anyhow!("Operation cancelled."),
        _ => anyhow!("no terminal to ask at: use --password-stdin"),
    })
}

fn from_stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("reading the password")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A refusal of the API, for a terminal.
fn readable(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Invalid(errors) => anyhow!("{}", errors.lines()),
        other => anyhow!("{other}"),
    }
}
