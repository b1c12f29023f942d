//! Making accounts from the command line.

use std::io;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{
    accounts::{readable, with_database},
    prompts::{Weak, ask, choose_password, password_from_stdin},
    say,
};
use crate::{
    accounts::{self, NewAccount, read},
    auth::{Operator, Passwords},
    config::Config,
    db::{Db, users::Rank},
    error::ApiError,
    input::Body,
};

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

/// The same, and what the account may do.
#[derive(Args)]
pub(super) struct Createuser {
    #[command(flatten)]
    account: Createsuperuser,
    /// Let the account do what the settings leave to staff
    #[arg(long)]
    staff: bool,
}

/// Makes a superuser.
pub(super) async fn create_superuser(config: &Config, arguments: Createsuperuser) -> Result<()> {
    create(config, arguments, Rank::Superuser).await?;
    say(&mut io::stdout(), "Superuser created successfully.");
    Ok(())
}

/// Makes a user.
pub(super) async fn create_user(config: &Config, arguments: Createuser) -> Result<()> {
    let rank = if arguments.staff { Rank::Staff } else { Rank::User };
    create(config, arguments.account, rank).await?;
    say(&mut io::stdout(), "User created successfully.");
    Ok(())
}

async fn create(config: &Config, arguments: Createsuperuser, rank: Rank) -> Result<()> {
    let passwords = Passwords::new(&config.password_rules);
    with_database(config, async |db| {
        let account = described(db, &passwords, arguments).await?;
        let new = accounts::hashed(&passwords, account, rank).await.map_err(readable)?;
        db.accounts(&Operator::of_process()).create(new).await.map_err(readable)?;
        Ok(())
    })
    .await
}

/// The account as the arguments and the answers have it.
async fn described(db: &Db, passwords: &Passwords, arguments: Createsuperuser) -> Result<NewAccount> {
    let asks = !arguments.password_stdin;
    let mut account = Map::new();
    for (field, label, given) in [("email", "Email", arguments.email), ("name", "Name", arguments.name)] {
        if let Some(value) = given {
            account.insert(field.into(), json!(value));
            if let Some(error) = complaint(db, passwords, &account, field).await? {
                bail!("{field}: {error}");
            }
        } else if asks {
            ask_until_good(db, passwords, &mut account, field, label).await?;
        } else {
            bail!("--{field} is needed with --password-stdin");
        }
    }
    if let Some(username) = arguments.username {
        account.insert("username".into(), json!(username));
    }
    let chosen = if asks {
        choose_password(Weak::IfWanted, |password| password_errors(passwords, &account, password))?
    } else {
        password_from_stdin()?
    };
    // one that was asked for has been judged already: any good one stands for it
    let judged = if asks { STANDS_FOR_ANY } else { &chosen };
    account.insert("password".into(), json!(judged));
    let account = read(db, passwords, &Body::from(account)).await.map_err(readable)?;
    Ok(NewAccount { password: chosen, ..account })
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
