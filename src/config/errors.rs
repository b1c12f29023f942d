//! What is wrong with the settings: all of it, in words that tell what to do.

use std::{str::FromStr, time::Duration};

use axum::http::{HeaderValue, Uri};

use super::PasswordRule;

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
