//! Hashes of passwords as they are stored: ours, and those that Django made, which verify too.

use std::{num::NonZeroU32, str::FromStr};

use argon2::{
    Params,
    password_hash::phc::{Output, PasswordHash},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bcrypt::HashParts;
use ring::{
    digest::{SHA256, digest},
    pbkdf2::{self, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256},
};

use super::argon;

// The most that a hash may cost whoever verifies it: some ten times what Django's own settings of 2025 cost.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
const MAX_BCRYPT_COST: u32 = 15;
/// In bytes: N times r, times 128.
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// N times r times p.
const MAX_SCRYPT_WORK: u64 = 8 << 20;
/// In KiB.
const MAX_ARGON2_MEMORY: u32 = 256 << 10;
/// In KiB: the memory times the passes over it.
const MAX_ARGON2_WORK: u64 = 2 << 20;

/// How a hash of ours begins.
const OURS: &str = "$argon2id$";
/// How Django marks that there is no password.
const UNUSABLE: char = '!';

/// A hash that a password can be verified against.
pub enum Hash<'a> {
    Argon2(Box<PasswordHash>),
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32, &'a str, Vec<u8>),
    Bcrypt(&'a str),
    /// Of the SHA-256 of the password, in hexadecimal digits: any length of it counts.
    BcryptSha256(&'a str),
    Scrypt(scrypt::Params, &'a str, Vec<u8>),
    /// No password is the right one.
    Unusable,
}

/// Why a hash is of no use.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("This hash is of a kind that can't be verified.")]
    Unknown,
    #[error("This hash is damaged.")]
    Damaged,
    #[error("This hash takes too much time or memory to verify.")]
    TooCostly,
}

impl<'a> Hash<'a> {
    /// Reads a stored hash.
    pub fn parse(stored: &'a str) -> Result<Self, HashError> {
        if stored.is_empty() || stored.starts_with(UNUSABLE) {
            return Ok(Self::Unusable);
        }
        // what Django puts before a PHC string
        let phc = stored.strip_prefix("argon2").unwrap_or(stored);
        if phc.starts_with('$') {
            return parse_argon2(phc);
        }
        let (algorithm, hash) = stored.split_once('$').ok_or(HashError::Unknown)?;
        match algorithm {
            "bcrypt" => parse_bcrypt(hash).map(Self::Bcrypt),
            "bcrypt_sha256" => parse_bcrypt(hash).map(Self::BcryptSha256),
            "pbkdf2_sha1" => parse_pbkdf2(PBKDF2_HMAC_SHA1, 20, hash),
            "pbkdf2_sha256" => parse_pbkdf2(PBKDF2_HMAC_SHA256, 32, hash),
            "scrypt" => parse_scrypt(hash),
            _ => Err(HashError::Unknown),
        }
    }

    /// Whether the password is the one that was hashed.
    pub fn verify(&self, password: &str) -> bool {
        let password = password.as_bytes();
        match self {
            Self::Argon2(hash) => argon::verify(password, hash),
            Self::Pbkdf2(algorithm, iterations, salt, hash) => {
                pbkdf2::verify(*algorithm, *iterations, salt.as_bytes(), password, hash).is_ok()
            }
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).is_ok_and(|same| same),
            Self::BcryptSha256(hash) => {
                bcrypt::verify(hex(digest(&SHA256, password).as_ref()), hash).is_ok_and(|same| same)
            }
            Self::Scrypt(params, salt, hash) => {
                let mut derived = vec![0; hash.len()];
                // outputs are compared in constant time
                scrypt::scrypt(password, salt.as_bytes(), params, &mut derived).is_ok()
                    && Output::new(&derived).is_ok_and(|output| Output::new(hash) == Ok(output))
            }
            Self::Unusable => false,
        }
    }
}

/// Whether it is a hash of another program, to be replaced by one of ours when its password is known.
pub(super) fn is_foreign(stored: &str) -> bool {
    !stored.starts_with(OURS)
}

fn parse_argon2(stored: &str) -> Result<Hash<'_>, HashError> {
    let hash = PasswordHash::new(stored).map_err(|_| HashError::Unknown)?;
    if !hash.algorithm.as_str().starts_with("argon2") {
        return Err(HashError::Unknown);
    }
    let params = Params::try_from(&hash).map_err(|_| HashError::Damaged)?;
    if hash.hash.is_none() || hash.salt.is_none() {
        return Err(HashError::Damaged);
    }
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MAX_ARGON2_MEMORY || work > MAX_ARGON2_WORK {
        return Err(HashError::TooCostly);
    }
    Ok(Hash::Argon2(Box::new(hash)))
}

fn parse_bcrypt(hash: &str) -> Result<&str, HashError> {
    let parts = HashParts::from_str(hash).map_err(|_| HashError::Damaged)?;
    if parts.get_cost() > MAX_BCRYPT_COST { Err(HashError::TooCostly) } else { Ok(hash) }
}

fn parse_pbkdf2(algorithm: pbkdf2::Algorithm, length: usize, rest: &str) -> Result<Hash<'_>, HashError> {
    let [iterations, salt, hash] = parts(rest)?;
    let iterations: NonZeroU32 = number(iterations)?;
    if iterations.get() > MAX_PBKDF2_ITERATIONS {
        return Err(HashError::TooCostly);
    }
    Ok(Hash::Pbkdf2(algorithm, iterations, salt, decode(hash, length)?))
}

fn parse_scrypt(rest: &str) -> Result<Hash<'_>, HashError> {
    let [n, salt, r, p, hash] = parts(rest)?;
    let [n, r, p]: [u32; 3] = [number(n)?, number(r)?, number(p)?];
    let block = u64::from(n).saturating_mul(u64::from(r));
    if block.saturating_mul(128) > MAX_SCRYPT_MEMORY || block.saturating_mul(u64::from(p)) > MAX_SCRYPT_WORK {
        return Err(HashError::TooCostly);
    }
    if n < 2 || !n.is_power_of_two() {
        return Err(HashError::Damaged);
    }
    let log_n = u8::try_from(n.ilog2()).map_err(|_| HashError::Damaged)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError::Damaged)?;
    Ok(Hash::Scrypt(params, salt, decode(hash, 64)?))
}

fn parts<const COUNT: usize>(rest: &str) -> Result<[&str; COUNT], HashError> {
    let parts: Vec<&str> = rest.split('$').collect();
    parts.try_into().map_err(|_| HashError::Damaged)
}

/// A number in decimal digits: one that is too large is too costly.
fn number<T: FromStr>(text: &str) -> Result<T, HashError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().map_err(|_| if is_number && text.len() > 9 { HashError::TooCostly } else { HashError::Damaged })
}

fn decode(hash: &str, length: usize) -> Result<Vec<u8>, HashError> {
    let decoded = STANDARD.decode(hash).map_err(|_| HashError::Damaged)?;
    if decoded.len() == length { Ok(decoded) } else { Err(HashError::Damaged) }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
