//! Argon2 in memory that a thread takes again for its next hash. 19 MiB that are given back and asked for again become holes
//! that fit nothing else: the allocator came to keep five of them.

use std::cell::RefCell;

use argon2::{
    Algorithm, Argon2, Block, Error, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

thread_local! {
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// The hash of a password, with a salt of its own, by the crate's default parameters: OWASP's.
pub(super) fn hash(password: &str) -> String {
    let (salt, mut output) = (Salt::generate(), [0; Params::DEFAULT_OUTPUT_LEN]);
    fill(&Argon2::default(), password.as_bytes(), &salt, &mut output).expect("the default parameters are valid");
    text(salt, &output)
}

/// A hash of which nobody knows a password. To find that out takes as long as with any other.
pub(super) fn of_nobody() -> String {
    text(Salt::generate(), &rand::random::<[u8; Params::DEFAULT_OUTPUT_LEN]>())
}

/// What is stored: a PHC string.
fn text(salt: Salt, output: &[u8]) -> String {
    let hash = PasswordHash {
        algorithm: Algorithm::default().ident(),
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&Params::default()).expect("the default parameters are valid"),
        salt: Some(salt),
        hash: Some(Output::new(output).expect("an output of the default length")),
    };
    hash.to_string()
}

/// Whether it is this password's hash.
pub(super) fn verify(password: &[u8], hash: &PasswordHash) -> bool {
    // outputs are compared in constant time
    computed(password, hash).is_some_and(|output| Some(output) == hash.hash)
}

/// The output for this password by the parameters and the salt of a hash.
fn computed(password: &[u8], hash: &PasswordHash) -> Option<Output> {
    let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    let argon2 = Argon2::new(algorithm, version, Params::try_from(hash).ok()?);
    let mut output = [0; Output::MAX_LENGTH];
    let output = output.get_mut(..hash.hash.as_ref()?.len())?;
    fill(&argon2, password, hash.salt.as_ref()?, output).ok()?;
    Output::new(output).ok()
}

fn fill(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], output: &mut [u8]) -> Result<(), Error> {
    MEMORY.with_borrow_mut(|memory| {
        let blocks = argon2.params().block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::new());
        }
        let filled = argon2.hash_password_into_with_memory(password, salt, output, memory.as_mut_slice());
        // more than hashes of ours take is not kept
        memory.truncate(Params::default().block_count());
        memory.shrink_to(Params::default().block_count());
        filled
    })
}
