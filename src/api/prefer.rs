//! `Prefer: handling=strict` (RFC 7240, 4.4): whether a parameter that nobody knows is ignored, as Django does, or refused.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::VARY},
    response::Response,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a client prefers.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The preference that was followed.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The names of the parameters that were ignored.
pub const IGNORED_PARAMETERS: HeaderName = HeaderName::from_static("ignored-parameters");

/// How many names `Ignored-Parameters` has at most, and how many characters of each.
const MAX_NAMES: usize = 10;
const MAX_NAME: usize = 50;
/// What of a name is not written as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What to do with a parameter that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Ignore it.
    Lenient,
    /// Refuse the request.
    Strict,
}

impl Handling {
    /// What the client prefers. The first `handling` that is sent counts.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let headers = headers.get_all(PREFER).iter();
        let mut preferences = headers.flat_map(|header| header.to_str().unwrap_or_default().split(','));
        let handling = preferences.find_map(|preference| {
            let (preference, _) = preference.split_once(';').unwrap_or((preference, ""));
            let (name, value) = preference.split_once('=')?;
            name.trim().eq_ignore_ascii_case("handling").then(|| value.trim().trim_matches('"'))
        });
        let is_strict = handling.is_some_and(|handling| handling.eq_ignore_ascii_case("strict"));
        if is_strict { Self::Strict } else { Self::Lenient }
    }

    /// Says in the answer to a list what became of the parameters that nobody knows.
    pub(super) fn told<'a>(self, unknown: impl Iterator<Item = &'a str>, mut response: Response) -> Response {
        let is_read = [StatusCode::OK, StatusCode::BAD_REQUEST].contains(&response.status());
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Prefer"));
        match self {
            Self::Strict if is_read => {
                headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static("handling=strict"));
            }
            Self::Lenient if is_read => {
                if let Some(names) = listed(unknown) {
                    headers.insert(IGNORED_PARAMETERS, names);
                }
            }
            _ => {}
        }
        response
    }
}

/// Names as a header can hold them: encoded as in an address, and not too many of them.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let mut names = names.map(|name| {
        let mut encoded = utf8_percent_encode(name, ENCODED).to_string();
        if encoded.len() > MAX_NAME {
            encoded.truncate(MAX_NAME);
            encoded.push_str("...");
        }
        encoded
    });
    let mut listed: Vec<String> = names.by_ref().take(MAX_NAMES).collect();
    listed.extend(names.next().map(|_| "...".into()));
    HeaderValue::try_from(listed.join(", ")).ok().filter(|names| !names.is_empty())
}
