//! Passwords: Argon2id, off the async threads and only so many at a time; and Django's rules for a new one.

use std::{collections::HashMap, sync::Arc, thread::available_parallelism};

use prometheus::IntCounter;
use tokio::sync::Semaphore;

use super::{
    argon,
    hashes::{Hash, is_foreign},
    turns::Turns,
};
use crate::{
    config::PasswordRule,
    error::{
        ApiError, Result,
        messages::{BLANK, NUL, too_long},
    },
    input::strip,
    metrics::{Metrics, shed},
};

/// How many may wait for their turn, a core.
const QUEUE_PER_CORE: usize = 8;

/// The greatest length of a password, in characters.
const MAX_LENGTH: usize = 1000;
/// The least length by Django's rule.
pub const MIN_LENGTH: usize = 8;

/// Hashes and verifies passwords, and judges new ones.
///
/// One hash takes all of a core for some milliseconds and 19 MiB (OWASP's parameters, the crate's default). So a core
/// is left for everything else, and beyond a short queue the answer is 503 at once.
#[derive(Clone)]
pub struct Passwords {
    queue: Arc<Semaphore>,
    threads: usize,
    turns: Turns,
    refused: IntCounter,
    /// Verified when there is no account, so that an unknown user takes as long as a known one.
    nobody: Arc<str>,
    rules: Arc<[PasswordRule]>,
}

impl Passwords {
    /// As many at a time as there are cores but one.
    pub fn new(rules: &[PasswordRule]) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = (cores - 1).max(1);
        Self {
            queue: Arc::new(Semaphore::new(threads + cores * QUEUE_PER_CORE)),
            threads,
            turns: Turns::new(threads),
            refused: shed("passwords"),
            nobody: argon::of_nobody().into(),
            rules: rules.into(),
        }
    }

    /// Shows how many are hashed, wait for that, and were refused.
    pub fn show(&self, metrics: &Metrics) {
        let (queue, threads) = (Arc::clone(&self.queue), self.threads);
        let most = queue.available_permits();
        let taken = move || most.saturating_sub(queue.available_permits());
        let (running, waiting) = (taken.clone(), taken);
        let help = "Passwords that are hashed or verified now.";
        metrics.show_reading("password_hashes_running", help, &[], move || running().min(threads));
        let help = "Passwords that wait to be hashed or verified.";
        metrics.show_reading("password_hashes_waiting", help, &[], move || waiting().saturating_sub(threads));
        metrics.show(self.refused.clone());
    }

    /// The rules that hold for a new password.
    pub fn rules(&self) -> &[PasswordRule] {
        &self.rules
    }

    /// What is wrong with a new password, in Django's words and in the order of the rules. `attributes` are what it may
    /// not be too similar to, with the names of their fields: `("email", "ada@example.org")`.
    pub fn validate(&self, password: &str, attributes: &[(&str, &str)]) -> Vec<String> {
        if strip(password).is_empty() {
            return vec![BLANK.into()];
        }
        if password.chars().count() > MAX_LENGTH {
            return vec![too_long(MAX_LENGTH)];
        }
        // the API takes none, so nobody could log in there with it
        if password.contains('\0') {
            return vec![NUL.into()];
        }
        self.rules.iter().filter_map(|rule| broken(*rule, password, attributes)).collect()
    }

    /// The hash to store: a PHC string, with a salt of its own.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || argon::hash(&password)).await
    }

    /// Whether the password is the one that was hashed. If there is no hash, or none that a password can be right for, it
    /// takes as long and is false.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
        let nobody = self.nobody.clone();
        self.in_turn(move || match stored.as_deref().map(Hash::parse) {
            Some(Ok(hash)) if !matches!(hash, Hash::Unusable) => hash.verify(&password),
            _ => {
                let _takes_as_long = Hash::parse(&nobody).is_ok_and(|hash| hash.verify(&password));
                false
            }
        })
        .await
    }

    /// The hash to store in place of one that Django made, of the password that was verified against it.
    pub async fn renew(&self, password: String, stored: &str) -> Result<Option<String>> {
        if is_foreign(stored) { self.hash(password).await.map(Some) } else { Ok(None) }
    }

    /// Refuses with 503 a login that would find no place in the queue, before anything is done for it.
    pub fn admit(&self) -> Result<()> {
        if self.queue.available_permits() == 0 { Err(self.busy()) } else { Ok(()) }
    }

    fn busy(&self) -> ApiError {
        self.refused.inc();
        ApiError::Busy("passwords")
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let queued = self.queue.clone().try_acquire_owned().map_err(|_| self.busy())?;
        let work = move || {
            // held by the thread, not by the request, which may be gone before the work is done
            let _held = queued;
            work()
        };
        self.turns.take(work).await
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new(&PasswordRule::ALL)
    }
}

/// What Django's validator says of a password that breaks its rule.
fn broken(rule: PasswordRule, password: &str, attributes: &[(&str, &str)]) -> Option<String> {
    let lower = password.to_lowercase();
    match rule {
        PasswordRule::Similarity => {
            let (name, _) = attributes.iter().find(|(_, value)| similar(&lower, &value.to_lowercase()))?;
            Some(format!("The password is too similar to the {}.", name.replace('_', " ")))
        }
        PasswordRule::Length => (password.chars().count() < MIN_LENGTH)
            .then(|| format!("This password is too short. It must contain at least {MIN_LENGTH} characters.")),
        PasswordRule::Common => {
            passwords::analyzer::is_common_password(lower.trim()).then(|| "This password is too common.".into())
        }
        PasswordRule::Numeric => {
            password.chars().all(char::is_numeric).then(|| "This password is entirely numeric.".into())
        }
    }
}

/// Django's `UserAttributeSimilarityValidator`: like the attribute, or like one of its words. Both are in lower
/// case.
///
/// It takes time in proportion to the two lengths: only words of about the password's length can be like it, and of
/// those an attribute has few.
fn similar(password: &str, attribute: &str) -> bool {
    let length = password.chars().count();
    let words = attribute.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.chain(std::iter::once(attribute)).filter(|part| !part.is_empty()).any(|part| {
        let part_length = part.chars().count();
        let is_like = |common| ratio(common, length + part_length) >= 0.7;
        is_like(length.min(part_length)) && is_like(common(password, part))
    })
}

/// Python's `SequenceMatcher.quick_ratio`, of two texts with so many characters in common and in all.
#[expect(clippy::cast_precision_loss, reason = "of a password's length")]
fn ratio(common: usize, all: usize) -> f64 {
    2.0 * common as f64 / all as f64
}

/// How many characters two texts have in common, in any order.
fn common(a: &str, b: &str) -> usize {
    let mut left: HashMap<char, usize> = HashMap::new();
    for character in b.chars() {
        *left.entry(character).or_default() += 1;
    }
    let is_left = |character: &char| match left.get_mut(character) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    a.chars().filter(is_left).count()
}
