//! What commands ask at the terminal, with Django's prompts.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};

use super::say;

/// Ctrl-C at a prompt for a password must not leave a terminal that shows nothing.
pub(super) fn give_the_terminal_back_on_interrupt() {
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

/// Whether a password may break the rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Weak {
    Never,
    IfWanted,
}

/// Asks twice, as Django does, until it is a good one.
pub(super) fn choose_password(weak: Weak, errors: impl Fn(&str) -> Vec<String>) -> Result<String> {
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

pub(super) fn ask(prompt: &str) -> Result<String> {
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

/// The password that a script gives.
pub(super) fn password_from_stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("reading the password")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
