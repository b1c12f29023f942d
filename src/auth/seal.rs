//! Encrypts what clients get and send back, but may not read or change: cursors. Hashes what may not be found out from
//! its hash.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};

/// Encrypts and hashes with a key that is derived from the secret key.
pub struct Seal {
    encryption: LessSafeKey,
    hashing: hmac::Key,
}

impl Seal {
    pub(super) fn new(secret_key: &str) -> Self {
        let key = digest(&SHA256, format!("healthcare-backend seal {secret_key}").as_bytes());
        let encryption = UnboundKey::new(&AES_256_GCM, key.as_ref());
        Self {
            encryption: LessSafeKey::new(encryption.expect("32 bytes are a key")),
            hashing: hmac::Key::new(hmac::HMAC_SHA256, format!("healthcare-backend hash {secret_key}").as_bytes()),
        }
    }

    /// Encrypts `content` into a text, which can be opened only for the same `purpose`.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let mut sealed = content.to_vec();
        let purpose = Aad::from(purpose.as_bytes());
        // by chance, because several servers share the key: good for some billion cursors (NIST SP 800-38D 8.3)
        let nonce: [u8; NONCE_LEN] = rand::random();
        let encrypted =
            self.encryption.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), purpose, &mut sealed);
        encrypted.expect("a cursor is short");
        BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// The content of a text that was sealed for this purpose with the same secret key. None: any other text.
    pub fn open(&self, purpose: &str, text: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = sealed.to_vec();
        let purpose = Aad::from(purpose.as_bytes());
        let content = self.encryption.open_in_place(nonce, purpose, &mut content).ok()?;
        Some(content.to_vec())
    }

    /// A hash that only who has the secret key can make, and that is another one for another `purpose`.
    pub fn hash(&self, purpose: &str, content: &[u8]) -> Vec<u8> {
        let purpose = hmac::sign(&self.hashing, purpose.as_bytes());
        hmac::sign(&self.hashing, &[purpose.as_ref(), content].concat()).as_ref().to_vec()
    }
}
