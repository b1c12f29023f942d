//! Settings that are good for development only.

use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::{Error, Finding, Note, Severity, Warning};
use crate::config::{Config, Database, WhenFull};

/// Whether it is so, how bad that is, what it means, and what to do.
type Danger = (bool, Severity, &'static str, &'static str);

/// What is dangerous with these settings.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    // without DEBUG, the weak keys are among the faults
    let weak_keys = config.weak_keys.iter().filter(|_| config.debug);
    let weak_keys =
        weak_keys.map(|weak| Finding::new(Error, format!("{weak}."), "Make a key with `openssl rand -hex 32`."));
    let dangers = protection(config).into_iter().chain(network(config)).chain(rights(config));
    let dangers = dangers.filter(|(is_so, ..)| *is_so);
    weak_keys.chain(dangers.map(|(_, severity, what, remedy)| Finding::new(severity, what, remedy))).collect()
}

/// What protects the server from those who may not come in.
fn protection(config: &Config) -> [Danger; 5] {
    let throttles = &config.exposure.throttles;
    [
        (
            config.debug,
            Error,
            "DEBUG is on: a weak SECRET_KEY is taken, and pages from any port of a client's machine may use the API.",
            "Set DEBUG=False.",
        ),
        (
            throttles.login.is_none() || throttles.register.is_none() || throttles.refresh.is_none(),
            Warning,
            "THROTTLE_LOGIN, THROTTLE_REGISTER or THROTTLE_REFRESH is empty: passwords can be guessed without a limit.",
            "Leave them at their defaults, or set a rate, such as THROTTLE_LOGIN=20/hour.",
        ),
        (
            !config.read_audit.is_on,
            Warning,
            "AUDIT_READS is off: nobody can tell who read which patients.",
            "Set AUDIT_READS=True.",
        ),
        (
            config.read_audit.is_on && config.read_audit.when_full == WhenFull::Drop,
            Note,
            "AUDIT_READS_WHEN_FULL is drop: records of who read which patients are lost when there are too many.",
            "Set AUDIT_READS_WHEN_FULL=wait if none may be lost.",
        ),
        (
            config.read_audit.is_on && config.audit_retention.is_none(),
            Warning,
            "AUDIT_RETENTION is not set: the records of who read which patients are kept for ever.",
            "Set how long your law wants them, such as AUDIT_RETENTION=3650days.",
        ),
    ]
}

/// Who reaches the server, and what passes between it and others.
fn network(config: &Config) -> [Danger; 5] {
    let exposure = &config.exposure;
    [
        (
            matches!(&config.database, Database::External(options, _) if may_be_read_on_the_way(options)),
            Error,
            "The database is on another machine, and patients' data may pass the network unencrypted.",
            "Add ?sslmode=verify-full (or at least require) to DATABASE_URL, or set PGSSLMODE.",
        ),
        (
            exposure.allowed_hosts.is_empty() || exposure.allowed_hosts.iter().any(|host| host == "*"),
            Warning,
            "ALLOWED_HOSTS is *: the server answers to any name.",
            "Name those that clients use, such as ALLOWED_HOSTS=api.example.org.",
        ),
        (
            !config.listen.0.is_loopback(),
            Warning,
            "HOST is reached from other machines, and this server speaks no TLS: without https, passwords and tokens can \
             be read on the way.",
            "Put a proxy with TLS in front, and let nobody else reach the port; if it is on this machine, HOST=127.0.0.1.",
        ),
        (
            exposure.trusted_proxies.iter().any(|network| network.prefix_len() == 0),
            Error,
            "TRUSTED_PROXIES has all addresses: any client may say that it has another, in the audit and for the throttles.",
            "Name the addresses of your own proxies, such as 10.0.0.5.",
        ),
        (
            exposure.cors_allowed_origins.iter().any(|origin| origin == "*"),
            Warning,
            "CORS_ALLOWED_ORIGINS has *: the pages of any site may use the API.",
            "Name the origins of your own pages, such as https://app.example.org.",
        ),
    ]
}

/// What people may do whom nobody knows.
fn rights(config: &Config) -> [Danger; 3] {
    [
        (
            !config.exposure.registration_closed,
            Note,
            "REGISTRATION is open: anybody may make an account.",
            "Set REGISTRATION=closed if staff and the command createuser shall make them.",
        ),
        (
            !config.exposure.staff_edit_doctors,
            Note,
            "DOCTORS_EDITED_BY is everyone: whoever has an account may change and delete doctors.",
            "Set DOCTORS_EDITED_BY=staff if that is not wanted.",
        ),
        (
            config.exposure.public_doctors,
            Note,
            "PUBLIC_DOCTORS is on: anybody may read the directory of doctors.",
            "Set PUBLIC_DOCTORS=False if that is not wanted.",
        ),
    ]
}

/// Whether a connection over a network may go without TLS.
fn may_be_read_on_the_way(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let is_here = options.get_socket().is_some()
        || host == "localhost"
        || host.starts_with('/')
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    !is_here && matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer)
}
