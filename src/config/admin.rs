//! Where the admin is.

use std::{str::FromStr, sync::Arc};

use super::errors::SettingErrors;

/// The path below which the admin is served: `/admin/`.
#[derive(Debug, Clone)]
pub struct AdminPath(Arc<str>);

impl AdminPath {
    /// With a slash at both ends.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A path below it.
    pub fn to(&self, rest: &str) -> String {
        format!("{self}{rest}")
    }
}

impl Default for AdminPath {
    fn default() -> Self {
        Self("/admin/".into())
    }
}

impl std::fmt::Display for AdminPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for AdminPath {
    type Err = ();

    /// Words of letters, digits, `-` and `_`, which are not those of the API.
    fn from_str(path: &str) -> Result<Self, ()> {
        let words: Vec<&str> = path.trim().trim_matches('/').split('/').collect();
        let is_word = |word: &&str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !word.is_empty() && word.bytes().all(is_allowed)
        };
        let is_path = words.iter().all(is_word) && words.first() != Some(&"api");
        is_path.then(|| Self(format!("/{}/", words.join("/")).into())).ok_or(())
    }
}

impl SettingErrors {
    /// Where the admin is, if it is served.
    pub(super) fn admin(&mut self, is_served: &str, path: &str) -> Option<AdminPath> {
        let path = self.parse("ADMIN_PATH", path, "a path such as /admin/ outside /api/", AdminPath::default());
        self.boolean("ADMIN", is_served).then_some(path)
    }
}
