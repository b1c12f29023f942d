//! Which database it is.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use super::{PORT, Settings, errors::SettingErrors, given};

/// A database of one's own, or the server's.
pub enum Database {
    /// A PostgreSQL that others run, and how to name it without its password.
    External(Box<PgConnectOptions>, String),
    /// The one that the server runs.
    Embedded,
}

impl Database {
    /// That of DATABASE_URL, else of DB_NAME and the like.
    pub(super) fn of(settings: &Settings, errors: &mut SettingErrors) -> Self {
        if let Some(url) = given(settings.database_url.as_deref()) {
            return match PgConnectOptions::from_str(&url) {
                Ok(options) if is_plain(&url) => external(options, "DATABASE_URL"),
                Err(_) if errors.has_wrong_sslmode(&url) => Database::Embedded,
                _ => {
                    errors.add(
                        "DATABASE_URL is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME \
                        (in it, an @ in a password is written %40, a % %25)"
                            .into(),
                    );
                    Database::Embedded
                }
            };
        }
        let [name, user, password] =
            [&settings.db_name, &settings.db_user, &settings.db_password].map(|value| given(value.as_deref()));
        if name.is_none() && user.is_none() && password.is_none() {
            return Database::Embedded;
        }
        for (setting, value) in [("DB_NAME", &name), ("DB_USER", &user)] {
            if value.is_none() {
                let others = "with one of DB_NAME, DB_USER and DB_PASSWORD, give the others too";
                errors.add(format!("{setting} is missing: {others}"));
            }
        }
        let options = PgConnectOptions::new_without_pgpass()
            .host(&settings.db_host)
            .port(errors.parse("DB_PORT", &settings.db_port, PORT, 0))
            .database(&name.unwrap_or_default())
            .username(&user.unwrap_or_default());
        let options = match password {
            Some(password) => options.password(&password),
            None => options,
        };
        external(options, "DB_NAME")
    }
}

/// Whether it is a URL of PostgreSQL, in which nothing is written that had to be written in another way.
fn is_plain(url: &str) -> bool {
    let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
    rest.is_some_and(|rest| rest.matches('@').count() <= 1)
}

fn external(options: PgConnectOptions, setting: &str) -> Database {
    // a URL has an IPv6 address in brackets, which are not part of it
    let bare = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(ToOwned::to_owned);
    let options = match bare {
        Some(address) => options.host(&address),
        None => options,
    };
    // PgBouncer refuses it, and nothing here needs it
    let options = options.extra_float_digits(None);
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let place = format!("database {name} at {host} as {} (from {setting})", options.get_username());
    Database::External(Box::new(options), place)
}
