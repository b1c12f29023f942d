//! The files that pages are made of.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::RawPathParams,
    http::{HeaderMap, HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};

use crate::{
    api::file::File,
    config::AdminPath,
    error::{ApiError, Result},
};

const SOURCES: [(&str, &str, &str); 3] = [
    ("admin.css", "text/css", include_str!("admin.css")),
    ("admin.js", "text/javascript", include_str!("admin.js")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// Each file under the name that it is asked for by, which says what is in it: a new one has another name.
static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    SOURCES.iter().map(|(name, kind, text)| (versioned(name, text), File::new(kind, (*text).into()))).collect()
});

fn versioned(name: &str, text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let (start, _) = hash.as_ref().split_at(6);
    format!("{}-{name}", BASE64_URL_SAFE_NO_PAD.encode(start))
}

/// Where a file is.
pub(super) fn path(root: &AdminPath, name: &str) -> String {
    static NAMES: LazyLock<HashMap<&str, String>> =
        LazyLock::new(|| SOURCES.iter().map(|(name, _, text)| (*name, versioned(name, text))).collect());
    root.to(&format!("static/{}", NAMES.get(name).map_or(name, String::as_str)))
}

/// A file, for anybody.
pub(super) async fn file(params: RawPathParams, headers: HeaderMap) -> Result<Response> {
    let name = params.iter().next().map(|(_, name)| name).unwrap_or_default();
    let file = FILES.get(name).ok_or(ApiError::NotFound)?;
    let caching = [(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"))];
    Ok((caching, file.answer(&headers)).into_response())
}
