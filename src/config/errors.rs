//! What is wrong with the settings: all of it, in words that tell what to do.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use axum::http::{HeaderValue, Uri};
use ipnet::IpNet;
use sqlx::postgres::PgSslMode;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{PasswordRule, Rate};

const DAY: Duration = Duration::from_hours(24);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// What is wrong with the settings.
#[derive(Default)]
pub(super) struct SettingErrors(pub(super) Vec<String>);

impl SettingErrors {
    pub(super) fn add(&mut self, error: String) {
        self.0.push(error);
    }

    pub(super) fn extend(&mut self, errors: impl IntoIterator<Item = String>) {
        self.0.extend(errors);
    }

    pub(super) fn parse<T: FromStr>(&mut self, setting: &str, value: &str, expected: &str, otherwise: T) -> T {
        value.trim().parse().unwrap_or_else(|_| {
            self.add(format!("{setting} is {value:?}, which is not {expected}"));
            otherwise
        })
    }

    /// As people write it in Django's settings: True, true, 1, yes, on; and the opposites.
    pub(super) fn boolean(&mut self, setting: &str, value: &str) -> bool {
        match value.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" | "" => false,
            _ => {
                self.add(format!("{setting} is {value:?}, which is neither True nor False"));
                false
            }
        }
    }

    /// Whether a setting is the second of the two words that it may be.
    pub(super) fn is_second(&mut self, setting: &str, value: &str, [first, second]: [&str; 2]) -> bool {
        let word = value.trim().to_ascii_lowercase();
        if word != first && word != second {
            self.add(format!("{setting} is {value:?}, which is neither {first} nor {second}"));
        }
        word == second
    }

    pub(super) fn lifetime(&mut self, setting: &str, value: &str) -> Duration {
        match humantime::parse_duration(value) {
            Ok(lifetime) if lifetime >= Duration::from_secs(1) && lifetime <= Duration::from_hours(24 * 3660) => {
                lifetime
            }
            _ => {
                self.add(format!("{setting} is {value:?}, which is not a time such as 15m, 12h or 1day"));
                Duration::from_secs(1)
            }
        }
    }

    /// Where something listens.
    pub(super) fn socket_address(&mut self, setting: &str, value: &str) -> Option<SocketAddr> {
        let address = value.parse().ok();
        if address.is_none() {
            self.add(format!("{setting} is {value:?}, which is not an IP address and a port, such as 127.0.0.1:9100"));
        }
        address
    }

    /// How long something is put off: not at all, or not for long.
    pub(super) fn delay(&mut self, setting: &str, value: &str) -> Duration {
        match humantime::parse_duration(value) {
            Ok(delay) if delay <= LONGEST_DELAY => delay,
            _ => {
                self.add(format!("{setting} is {value:?}, which is not a time from 0s to 5m, such as 10s"));
                Duration::ZERO
            }
        }
    }

    /// How long something is kept.
    pub(super) fn retention(&mut self, setting: &str, value: &str) -> Duration {
        match humantime::parse_duration(value) {
            Ok(retention) if retention >= DAY && retention <= DAY * 366_000 => retention,
            _ => {
                self.add(format!("{setting} is {value:?}, which is not a time of a day or more, such as 400days"));
                DAY
            }
        }
    }

    /// A rate in Django REST framework's notation. Empty: none.
    pub(super) fn rate(&mut self, setting: &str, value: &str) -> Option<Rate> {
        let value = value.trim();
        let rate = value.parse().ok();
        if rate.is_none() && !value.is_empty() {
            self.add(format!("{setting} is {value:?}, which is not a rate such as 5/min, 100/hour or 1000/day"));
        }
        rate
    }

    /// Addresses and networks.
    pub(super) fn networks(&mut self, networks: &[String]) -> Vec<IpNet> {
        let mut good = Vec::new();
        for network in networks {
            let address = network.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
            match address.or_else(|_| network.parse()) {
                Ok(network) => good.push(network),
                Err(_) => self.add(format!(
                    "TRUSTED_PROXIES has {network:?}, which is neither an address nor a network such as 10.0.0.0/8"
                )),
            }
        }
        good
    }

    /// A filter of tracing-subscriber. A word alone must be a level: tracing-subscriber takes any other for the name of a
    /// module, and so a mistyped level would log nothing.
    pub(super) fn log_filter(&mut self, filter: &str) {
        let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
        let mut parts = filter.split(',').map(str::trim);
        if EnvFilter::try_new(filter).is_err() || !parts.all(|part| part.contains(['=', '[', ']']) || is_level(part)) {
            self.add(format!(
                "RUST_LOG is {filter:?}, which is neither a level (off, error, warn, info, debug, trace) nor MODULE=LEVEL, \
                separated by commas"
            ));
        }
    }

    /// Names as Django has them: without a scheme, a port or a path, which no name of a request has either.
    pub(super) fn hosts(&mut self, hosts: Vec<String>) -> Vec<String> {
        for host in hosts.iter().filter(|host| !is_host(host)) {
            self.add(format!(
                "ALLOWED_HOSTS has {host:?}, which is not a name such as api.example.org, .example.org or *: it is written \
                without a scheme, a port and a path"
            ));
        }
        hosts
    }

    /// Whether it is the `sslmode` that is wrong with a URL.
    pub(super) fn has_wrong_sslmode(&mut self, url: &str) -> bool {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let mut modes =
            form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "sslmode" || key == "ssl-mode");
        let wrong = modes.find(|(_, mode)| mode.parse::<PgSslMode>().is_err());
        if let Some((key, mode)) = &wrong {
            self.add(format!(
                "DATABASE_URL has {key}={mode}, which is none of disable, allow, prefer, require, verify-ca, verify-full"
            ));
        }
        wrong.is_some()
    }

    /// Rules by their names, each once, in the order in which they are reported.
    pub(super) fn password_rules(&mut self, names: &[String]) -> Vec<PasswordRule> {
        let mut rules = Vec::new();
        for name in names {
            match name.parse() {
                Ok(rule) if rules.contains(&rule) => {}
                Ok(rule) => rules.push(rule),
                Err(()) => self
                    .add(format!("AUTH_PASSWORD_VALIDATORS has {name:?}, which is none of {}", PasswordRule::names())),
            }
        }
        rules
    }

    /// Origins as browsers send them: a scheme, a host in lower case, a port unless it is the default, nothing behind.
    pub(super) fn origins(&mut self, origins: &[String]) -> Vec<HeaderValue> {
        let mut good = Vec::new();
        for origin in origins {
            let is_origin = origin.parse::<Uri>().is_ok_and(|uri| {
                let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
                uri.scheme().is_some()
                    && uri.host().is_some_and(|host| !host.contains('*'))
                    && uri.port_u16() != Some(default_port)
                    && uri.path() == "/"
                    && !origin.ends_with('/')
                    && origin.to_ascii_lowercase() == *origin
            });
            match HeaderValue::from_str(origin) {
                Ok(value) if origin == "*" || is_origin => good.push(value),
                _ => self.add(format!(
                    "CORS_ALLOWED_ORIGINS has {origin:?}, which is not an origin such as https://app.example.org"
                )),
            }
        }
        good
    }
}

fn is_host(host: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c));
    let address = host.strip_prefix('[').and_then(|address| address.strip_suffix(']'));
    host == "*"
        || address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        || host.strip_prefix('.').unwrap_or(host).split('.').all(is_label)
}
