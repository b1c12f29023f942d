//! How often a client may do something, in Django REST framework's notation.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

/// The most requests that a rate has: the time between two is then a microsecond at least.
const MOST: u32 = 1_000_000;

/// So many requests in so much time: at once, or spread over it.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many.
    pub requests: NonZeroU32,
    /// In how long.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = ();

    /// `5/min`, `100/day`.
    fn from_str(rate: &str) -> Result<Self, ()> {
        let (requests, period) = rate.split_once('/').ok_or(())?;
        let requests: NonZeroU32 = requests.trim().parse().map_err(|_| ())?;
        let period = match period.trim() {
            "s" | "sec" | "second" => Duration::from_secs(1),
            "m" | "min" | "minute" => Duration::from_mins(1),
            "h" | "hour" => Duration::from_hours(1),
            "d" | "day" => Duration::from_hours(24),
            _ => return Err(()),
        };
        (requests.get() <= MOST).then_some(Self { requests, period }).ok_or(())
    }
}

/// What is limited. None: it is not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Throttles {
    /// Failed logins, of an address and an account.
    pub login: Option<Rate>,
    /// Registrations, of an address.
    pub register: Option<Rate>,
    /// Refreshes, of an address.
    pub refresh: Option<Rate>,
    /// Requests without a valid token, of an address.
    pub anon: Option<Rate>,
    /// Requests of a user.
    pub user: Option<Rate>,
}
