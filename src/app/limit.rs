//! A rate for each address, or for each user, with bounded memory.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    nanos::Nanos,
    state::{StateStore, keyed::ShrinkableKeyedStateStore},
};

use crate::{
    config::Rate,
    error::{ApiError, Result},
};

/// How many keys are remembered: about 5 MB.
const CAPACITY: usize = 100_000;
/// How often those are forgotten that may do all again.
const SWEEP: Duration = Duration::from_secs(30);

/// A rate for each key.
pub(super) struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, States<K>, MonotonicClock>,
    swept_at: Mutex<Instant>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    pub(super) fn new(rate: Rate) -> Self {
        let quota = Quota::with_period(rate.period / rate.requests.get()).expect("no rate is that high");
        let limiter = RateLimiter::new(quota.allow_burst(rate.requests), States::default(), MonotonicClock);
        Self { limiter, swept_at: Mutex::new(Instant::now()) }
    }

    /// Counts a request. 429 if there were too many.
    pub(super) fn check(&self, key: &K) -> Result<()> {
        self.sweep();
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.limiter.clock().now());
            ApiError::Throttled(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
        })
    }

    fn sweep(&self) {
        // one request at a time does it, and none waits for it
        if let Ok(mut swept_at) = self.swept_at.try_lock()
            && swept_at.elapsed() > SWEEP
        {
            self.limiter.retain_recent();
            if self.limiter.len() >= CAPACITY {
                tracing::warn!("{CAPACITY} clients are throttled: those that come now are let through");
            }
            *swept_at = Instant::now();
        }
    }
}

/// When each key may do all again. When there is no room, a new key is let through and not remembered: its first requests
/// would be let through anyway, and whoever has so many addresses is not stopped by a limit for each.
struct States<K>(Mutex<HashMap<K, Nanos>>);

impl<K> Default for States<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K> States<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> StateStore for States<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.lock();
        let known = states.get(key).copied();
        let (outcome, state) = measure(known)?;
        if known.is_some() || states.len() < CAPACITY {
            states.insert(key.clone(), state);
        }
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for States<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.lock().retain(|_, state| *state >= drop_below);
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}
