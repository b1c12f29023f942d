//! What is given to clients to be brought back, and is not theirs to read or to change.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Seals with a key of its own, made of the secret key.
pub struct Seal(RandomizedNonceKey);

impl Seal {
    pub(super) fn new(secret_key: &str) -> Self {
        let key = digest(&SHA256, format!("healthcare-backend seal {secret_key}").as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref());
        Self(key.expect("32 bytes are a key"))
    }

    /// The text that stands for `content`. Only for the same `purpose` it is opened again.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mut sealed = content.to_vec();
        let purpose = Aad::from(purpose.as_bytes());
        let nonce = self.0.seal_in_place_append_tag(purpose, &mut sealed);
        let nonce = nonce.expect("a cursor is short");
        BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// What was sealed for this purpose, by this server or another with its secret key.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(12)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = sealed.to_vec();
        let purpose = Aad::from(purpose.as_bytes());
        let content = self.0.open_in_place(nonce, purpose, &mut content).ok()?;
        Some(content.to_vec())
    }
}
