//! Encrypts what clients get and send back, but may not read or change: cursors.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Encrypts with a key that is derived from the secret key.
pub struct Seal(RandomizedNonceKey);

impl Seal {
    pub(super) fn new(secret_key: &str) -> Self {
        let key = digest(&SHA256, format!("healthcare-backend seal {secret_key}").as_bytes());
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_ref());
        Self(key.expect("32 bytes are a key"))
    }

    /// Encrypts `content` into a text, which can be opened only for the same `purpose`.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mut sealed = content.to_vec();
        let purpose = Aad::from(purpose.as_bytes());
        let nonce = self.0.seal_in_place_append_tag(purpose, &mut sealed);
        let nonce = nonce.expect("a cursor is short");
        BASE64_URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// The content of a text that was sealed for this purpose with the same secret key. None: any other text.
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
