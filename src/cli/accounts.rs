//! Accounts that exist, from the command line. The commands work beside a server that runs.

use std::io::{self, IsTerminal};

use anyhow::{Result, anyhow, bail, ensure};
use clap::Args;

use super::{
    prompts::{Weak, ask, choose_password, give_the_terminal_back_on_interrupt, password_from_stdin},
    run::{Running, Sharing},
    say,
};
use crate::{
    auth::{Operator, Passwords},
    config::Config,
    db::{
        Db,
        accounts::{Account, Accounts},
    },
    error::ApiError,
};

/// Whose password, and where it comes from.
#[derive(Args)]
pub(super) struct Changepassword {
    /// E-mail address or username of the account
    login: String,
    /// Read the password from standard input, and ask for nothing: for scripts
    #[arg(long)]
    password_stdin: bool,
}

/// Whose account.
#[derive(Args)]
pub(super) struct Login {
    /// E-mail address or username of the account
    login: String,
}

/// Whose account, and whether to ask.
#[derive(Args)]
pub(super) struct Deleteuser {
    /// E-mail address or username of the account
    login: String,
    /// Ask for nothing: for scripts
    #[arg(long)]
    yes: bool,
}

/// Gives an account another password.
pub(super) async fn change_password(config: &Config, arguments: Changepassword) -> Result<()> {
    let passwords = Passwords::new(&config.password_rules);
    let login = &arguments.login;
    with_account(config, login, async |accounts, account| {
        let username = account.username.as_deref().unwrap_or_default();
        let attributes = [("username", username), ("name", &account.name), ("email", &account.email)];
        let errors = |password: &str| passwords.validate(password, &attributes);
        let chosen = if arguments.password_stdin {
            let chosen = password_from_stdin()?;
            let errors = errors(&chosen);
            ensure!(errors.is_empty(), "{}", errors.join(" "));
            chosen
        } else {
            say(&mut io::stdout(), &format!("Changing password for user '{login}'"));
            choose_password(Weak::Never, errors)?
        };
        let hash = passwords.hash(chosen).await.map_err(readable)?;
        if !accounts.change_password(account.id, &hash).await.map_err(readable)? {
            return Err(unknown(login));
        }
        say(&mut io::stdout(), &format!("Password changed successfully for user '{login}'"));
        Ok(())
    })
    .await
}

/// Lets an account log in again.
pub(super) async fn activate(config: &Config, Login { login }: Login) -> Result<()> {
    with_account(config, &login, async |accounts, account| {
        ensure!(!account.is_active, "user '{login}' is already active");
        accounts.activate(account.id).await.map_err(readable)?;
        say(&mut io::stdout(), &format!("User '{login}' can log in again."));
        Ok(())
    })
    .await
}

/// Lets an account log in no more.
pub(super) async fn deactivate(config: &Config, Login { login }: Login) -> Result<()> {
    with_account(config, &login, async |accounts, account| {
        ensure!(account.is_active, "user '{login}' is already inactive");
        if !accounts.deactivate(account.id).await.map_err(readable)? {
            return Err(refusal(accounts, &login).await);
        }
        say(&mut io::stdout(), &format!("User '{login}' is inactive now, and logged out everywhere."));
        Ok(())
    })
    .await
}

/// Deletes an account with all that belongs to it.
pub(super) async fn delete(config: &Config, Deleteuser { login, yes }: Deleteuser) -> Result<()> {
    ensure!(yes || io::stdin().is_terminal(), "no terminal to ask at: use --yes");
    with_account(config, &login, async |accounts, account| {
        let Account { email, patients, mappings, .. } = &account;
        say(
            &mut io::stdout(),
            &format!(
                "User {email} goes with its patients ({patients}) and their mappings ({mappings}); the audit stays."
            ),
        );
        if !yes && ask("Type 'yes' to delete them, or 'no' to cancel: ")? != "yes" {
            bail!("Operation cancelled.");
        }
        if !accounts.delete(account.id).await.map_err(readable)? {
            return Err(refusal(accounts, &login).await);
        }
        say(&mut io::stdout(), &format!("User '{login}' is deleted."));
        Ok(())
    })
    .await
}

/// Why an account was left as it is.
async fn refusal(accounts: &Accounts<'_>, login: &str) -> anyhow::Error {
    match accounts.find(login).await {
        Ok(Some(_)) => anyhow!("user '{login}' is the last active superuser: make another with createsuperuser first"),
        Ok(None) => unknown(login),
        Err(error) => readable(error),
    }
}

fn unknown(login: &str) -> anyhow::Error {
    anyhow!("user '{login}' does not exist")
}

/// Finds an account, and does the work on it.
async fn with_account(
    config: &Config,
    login: &str,
    work: impl AsyncFnOnce(&Accounts<'_>, Account) -> Result<()>,
) -> Result<()> {
    with_database(config, async |db| {
        let operator = Operator::of_process();
        let accounts = db.accounts(&operator);
        let found = accounts.find(login).await.map_err(readable)?;
        work(&accounts, found.ok_or_else(|| unknown(login))?).await
    })
    .await
}

/// Does the work on the database of the configuration, which runs meanwhile.
pub(super) async fn with_database(config: &Config, work: impl AsyncFnOnce(&Db) -> Result<()>) -> Result<()> {
    give_the_terminal_back_on_interrupt();
    let database = Running::new(config, Sharing::Wanted).await?;
    database.migrate().await?;
    let db = Db::for_command(database.options.clone());
    let done = work(&db).await;
    db.close().await;
    database.stop().await?;
    done
}

/// A refusal of the API, for a terminal.
pub(super) fn readable(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Invalid(errors) => anyhow!("{}", errors.lines()),
        other => anyhow!("{other}"),
    }
}
