//! The configuration: the settings, checked all at once.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use axum::http::HeaderValue;
use ipnet::IpNet;

mod admin;
mod audit;
mod database;
mod errors;
mod passwords;
mod settings;
mod throttles;

pub use admin::AdminPath;
pub use audit::{ReadAudit, WhenFull};
pub use database::Database;
pub use passwords::PasswordRule;
pub use settings::Settings;
pub use throttles::{Rate, Throttles};

use errors::SettingErrors;

/// The settings, checked.
pub struct Config {
    /// Where the data is.
    pub database: Database,
    /// How long a start waits for it.
    pub database_wait: Duration,
    /// Connections to it at most.
    pub db_connections: u32,
    /// Signs the tokens. None: a random one, kept in `data_dir`.
    pub secret_key: Option<String>,
    /// Verify older tokens.
    pub secret_key_fallbacks: Vec<String>,
    /// What is wrong with the keys, which `debug` takes all the same.
    pub weak_keys: Vec<String>,
    /// Whether this is a development.
    pub debug: bool,
    /// What a new password must keep.
    pub password_rules: Vec<PasswordRule>,
    /// Whom it serves.
    pub exposure: Exposure,
    /// Where to listen.
    pub listen: (IpAddr, u16),
    /// Where to tell how the server is. None: nowhere.
    pub metrics_addr: Option<SocketAddr>,
    /// How long it takes requests after it was told to stop.
    pub drain_delay: Duration,
    /// What the server keeps itself.
    pub data_dir: PathBuf,
    /// Whether somebody asked for `data_dir`.
    pub data_dir_is_default: bool,
    /// Where PostgreSQL's programs are.
    pub pg_bindir: Option<PathBuf>,
    /// Of access tokens.
    pub access_token_lifetime: Duration,
    /// Of refresh tokens.
    pub refresh_token_lifetime: Duration,
    /// Whether a line of the log is a JSON object.
    pub logs_json: bool,
    /// How reads are recorded.
    pub read_audit: ReadAudit,
    /// How long those records are kept. None: for ever.
    pub audit_retention: Option<Duration>,
}

/// Whom the server serves, and from where.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting")]
#[derive(Debug, Clone, Default)]
pub struct Exposure {
    /// Requests that are worked on at once at most; 0: 1024 a core.
    pub requests_at_once: usize,
    /// Names that the server answers to; empty: any.
    pub allowed_hosts: Vec<String>,
    /// Whether anybody may read the directory of doctors.
    pub public_doctors: bool,
    /// Whether only staff make accounts.
    pub registration_closed: bool,
    /// Whether only staff change the directory of doctors.
    pub staff_edit_doctors: bool,
    /// Whether a change must say what it changes, by `If-Match`.
    pub require_if_match: bool,
    /// Whether a refresh token is exchanged for a new one when it is used.
    pub rotate_refresh_tokens: bool,
    /// Where the admin is. None: nowhere.
    pub admin_path: Option<AdminPath>,
    /// Origins whose pages may use the API; `*`: any, without credentials.
    pub cors_allowed_origins: Vec<HeaderValue>,
    /// Whether pages from any port of this machine may use it.
    pub cors_from_localhost: bool,
    /// Who may say where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// How often a client may do what.
    pub throttles: Throttles,
}

/// Whether anybody may read the directory of doctors.
#[derive(Clone, Copy)]
pub struct PublicDoctors(pub bool);

/// Whether only staff make accounts.
#[derive(Clone, Copy)]
pub struct RegistrationClosed(pub bool);

/// Whether only staff change the directory of doctors.
#[derive(Clone, Copy)]
pub struct StaffEditDoctors(pub bool);

/// Whether a change must say what it changes, by `If-Match`.
#[derive(Clone, Copy)]
pub struct RequireIfMatch(pub bool);

/// Whether a refresh token is exchanged for a new one when it is used.
#[derive(Clone, Copy)]
pub struct RotateRefreshTokens(pub bool);

/// Keys that stand in examples. Everybody knows them.
const EXAMPLE_KEYS: &[&str] = &["change-me", "changeme", "your-secret-key-here", "django-insecure-"];
/// As long as the hash that it keys (RFC 7518 3.2).
const KEY_LENGTH: usize = 32;
const PORT: &str = "a port, 0 to 65535";
const MAKE_A_KEY: &str = "make one with `openssl rand -hex 32`";

impl Config {
    /// Reads the settings, and finds all that is wrong with them; what is wrong is replaced.
    pub fn read(settings: &Settings) -> (Self, Vec<String>) {
        let mut errors = SettingErrors::default();
        let debug = errors.boolean("DEBUG", &settings.debug);
        let database = Database::of(settings, &mut errors);
        let secret_key = given(settings.secret_key.as_deref());
        let fallbacks = list(&settings.secret_key_fallbacks);
        let weak_keys = weak_keys(secret_key.as_ref(), !matches!(database, Database::Embedded), &fallbacks);
        if !debug {
            errors.extend(
                weak_keys.iter().map(|weak| format!("{weak}: {MAKE_A_KEY} (or set DEBUG=True, for development only)")),
            );
        }
        errors.log_filter(&settings.rust_log);
        let config = Self {
            database,
            database_wait: errors.delay("DATABASE_WAIT", &settings.database_wait),
            db_connections: match errors.parse("DB_CONNECTIONS", &settings.db_connections, "a number", 0) {
                0 => {
                    4 * std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
                }
                connections => connections,
            },
            secret_key,
            secret_key_fallbacks: fallbacks,
            weak_keys,
            debug,
            password_rules: errors.password_rules(&list(&settings.auth_password_validators)),
            exposure: Exposure {
                requests_at_once: errors.parse("REQUESTS_AT_ONCE", &settings.requests_at_once, "a number", 0),
                allowed_hosts: errors.hosts(list(&settings.allowed_hosts)),
                public_doctors: errors.boolean("PUBLIC_DOCTORS", &settings.public_doctors),
                registration_closed: errors.is_second("REGISTRATION", &settings.registration, ["open", "closed"]),
                staff_edit_doctors: errors.is_second(
                    "DOCTORS_EDITED_BY",
                    &settings.doctors_edited_by,
                    ["everyone", "staff"],
                ),
                require_if_match: errors.boolean("REQUIRE_IF_MATCH", &settings.require_if_match),
                rotate_refresh_tokens: errors.boolean("ROTATE_REFRESH_TOKENS", &settings.rotate_refresh_tokens),
                admin_path: errors.admin(&settings.admin, &settings.admin_path),
                cors_allowed_origins: errors.origins(&list(&settings.cors_allowed_origins)),
                cors_from_localhost: debug,
                trusted_proxies: errors.networks(&list(&settings.trusted_proxies)),
                throttles: throttles(settings, &mut errors),
            },
            listen: (
                errors.parse(
                    "HOST",
                    &settings.host,
                    "an IP address, such as 127.0.0.1 or 0.0.0.0",
                    IpAddr::from([127, 0, 0, 1]),
                ),
                errors.parse("PORT", &settings.port, PORT, 0),
            ),
            metrics_addr: given(settings.metrics_addr.as_deref())
                .and_then(|address| errors.socket_address("METRICS_ADDR", &address)),
            drain_delay: errors.delay("DRAIN_DELAY", &settings.drain_delay),
            data_dir: settings.data_dir.clone().into(),
            data_dir_is_default: settings.data_dir == "./data",
            pg_bindir: given(settings.pg_bindir.as_deref()).map(PathBuf::from),
            access_token_lifetime: errors.lifetime("ACCESS_TOKEN_LIFETIME", &settings.access_token_lifetime),
            refresh_token_lifetime: errors.lifetime("REFRESH_TOKEN_LIFETIME", &settings.refresh_token_lifetime),
            logs_json: errors.is_second("LOG_FORMAT", &settings.log_format, ["text", "json"]),
            read_audit: ReadAudit {
                is_on: errors.boolean("AUDIT_READS", &settings.audit_reads),
                when_full: errors.parse(
                    "AUDIT_READS_WHEN_FULL",
                    &settings.audit_reads_when_full,
                    "wait or drop",
                    WhenFull::Wait,
                ),
                ..ReadAudit::default()
            },
            audit_retention: given(settings.audit_retention.as_deref())
                .map(|retention| errors.retention("AUDIT_RETENTION", &retention)),
        };
        (config, errors.0)
    }
}

fn throttles(settings: &Settings, errors: &mut SettingErrors) -> Throttles {
    Throttles {
        login: errors.rate("THROTTLE_LOGIN", &settings.throttle_login),
        register: errors.rate("THROTTLE_REGISTER", &settings.throttle_register),
        refresh: errors.rate("THROTTLE_REFRESH", &settings.throttle_refresh),
        anon: errors.rate("THROTTLE_ANON", &settings.throttle_anon),
        user: errors.rate("THROTTLE_USER", &settings.throttle_user),
    }
}

/// A setting that is left empty is not given.
fn given(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|value| !value.is_empty()).map(ToOwned::to_owned)
}

fn list(value: &str) -> Vec<String> {
    value.split(',').filter_map(|item| given(Some(item))).collect()
}

/// What is wrong with the keys that sign tokens: one that others know lets them in as anybody.
fn weak_keys(key: Option<&String>, is_needed: bool, fallbacks: &[String]) -> Vec<String> {
    if key.is_none() && is_needed {
        return vec!["SECRET_KEY is missing".into()];
    }
    let numbered = fallbacks.iter().enumerate();
    let fallbacks = numbered.map(|(index, key)| (format!("key {} of SECRET_KEY_FALLBACKS", index + 1), key));
    let keys = key.into_iter().map(|key| ("SECRET_KEY".to_owned(), key)).chain(fallbacks);
    keys.filter_map(|(name, key)| Some(format!("{name} {}", weakness(key)?))).collect()
}

fn weakness(key: &str) -> Option<String> {
    if EXAMPLE_KEYS.iter().any(|example| key.starts_with(example)) {
        return Some("is one that stands in an example".into());
    }
    (key.len() < KEY_LENGTH).then(|| format!("has {} bytes of the {KEY_LENGTH} that it needs", key.len()))
}
