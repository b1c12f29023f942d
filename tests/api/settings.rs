//! The settings, as the help and `.env.example` describe them.

use std::{fs, path::Path};

use healthcare_backend::cli::Cli;

use crate::{
    config::url,
    support::{
        Client, SECRET_KEY, TestApp,
        program::{Directory, Program, program},
    },
};

#[test]
fn help_names_every_setting_and_command() {
    let dir = Directory::new();
    let output = program(dir.path(), &["--help"], &[]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for name in [
        "serve",
        "migrate",
        "DATABASE_URL",
        "DB_NAME",
        "DB_USER",
        "DB_PASSWORD",
        "DB_HOST",
        "DB_PORT",
        "SECRET_KEY",
        "DEBUG",
        "ALLOWED_HOSTS",
        "PORT",
        "DATA_DIR",
        "[default: 15m]",
        "[default: 1day]",
    ] {
        assert!(help.contains(name), "{name} is not in {help}");
    }
}

#[test]
fn env_example_is_the_settings() {
    let definition = Cli::definition();
    let mut example = String::from(
        "# Copy this file to .env and change what you need. Every line is the default, or stands for nothing.\n",
    );
    for argument in definition.get_arguments().filter(|argument| argument.get_env().is_some()) {
        let help = argument.get_help().unwrap().to_string();
        let default: Vec<&str> = argument.get_default_values().iter().map(|value| value.to_str().unwrap()).collect();
        example += "\n";
        for line in wrapped(&help, 110) {
            example += &format!("# {line}\n");
        }
        example += &format!("#{}={}\n", argument.get_env().unwrap().to_str().unwrap(), default.join(""));
    }
    let expected = Path::new(env!("CARGO_TARGET_TMPDIR")).join("env.example");
    fs::write(&expected, &example).unwrap();
    let actual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap_or_default();
    assert!(actual == example, "cp {} .env.example", expected.display());
}

#[tokio::test]
async fn lifetimes_are_settings() {
    let app = TestApp::start().await;
    let dir = Directory::new();
    let url = url(&app);
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("SECRET_KEY", SECRET_KEY),
        ("ACCESS_TOKEN_LIFETIME", "2h"),
        ("REFRESH_TOKEN_LIFETIME", "7 days"),
    ];
    let server = Program::start(dir.path(), &settings);
    let alice = Client::at(&server.address).registered("alice").await;
    let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(alice.token()).unwrap().claims;
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 2 * 60 * 60);
    assert_eq!(app.value("select (expires_at - created_at) > '6 days 23 hours' from sessions").await, true);
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            *line = word.into();
        } else if line.len() + 1 + word.len() <= width {
            *line += &format!(" {word}");
        } else {
            lines.push(word.into());
        }
    }
    lines
}
