//! Which failed logins count together, and how many there may be.
//!
//! They are counted for the address together with the account, so that nobody locks out its owner, who is elsewhere; and
//! for the address alone, so that nobody tries one password on all accounts.

use std::{net::IpAddr, time::Duration};

use super::Tokens;
use crate::{config::Rate, request::site};

/// How many accounts may be failed with from one address, each as often as the rate allows. A few people who share an
/// address, and forgot their passwords, do not keep out the others.
const ACCOUNTS: u32 = 10;

/// How many logins may fail.
#[derive(Clone)]
pub struct LoginThrottle {
    rate: Option<Rate>,
    tokens: Tokens,
}

/// Where somebody logs in.
#[derive(Default, Clone, Copy)]
pub enum Via {
    #[default]
    Api,
    Admin,
}

impl Via {
    /// As the audit has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Admin => "admin",
        }
    }
}

/// What a login counts for if it fails: nothing, if there is no limit.
#[derive(Default)]
pub struct Attempt {
    pub via: Via,
    /// Keyed hashes, because people type their password in the place of their name.
    pub keys: Vec<Vec<u8>>,
    /// How long each key has to wait for one more failure. All are forgotten after `period`.
    pub spacings: Vec<Duration>,
    pub period: Duration,
}

impl LoginThrottle {
    /// None: no limit. The hashes are made with the secret key, so servers that share it share them.
    pub fn new(rate: Option<Rate>, tokens: Tokens) -> Self {
        Self { rate, tokens }
    }

    /// What a login from this address, with this e-mail or username, counts for.
    pub fn attempt(&self, address: IpAddr, login: &str) -> Attempt {
        let Some(Rate { requests, period }) = self.rate else { return Attempt::default() };
        let address = site(address).to_string();
        // as PostgreSQL's lower(), which finds the account: a letter for a letter
        let login: String = login.chars().filter_map(|letter| letter.to_lowercase().next()).collect();
        let hash = |key: String| self.tokens.seal().hash("failed login", key.as_bytes());
        let spacing = period / requests.get();
        Attempt {
            keys: vec![hash(format!("{address} {login}")), hash(address)],
            spacings: vec![spacing, spacing / ACCOUNTS],
            period,
            ..Attempt::default()
        }
    }
}
