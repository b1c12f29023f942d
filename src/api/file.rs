//! Files that are the same for everybody. They are compressed once, because compressing them for each request costs more
//! than everything else in it.

use std::io::Write;

use axum::{
    body::Bytes,
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, VARY},
    },
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use headers::{ETag, HeaderMapExt};

use super::conditional::etag;

/// A file, plain and compressed.
pub struct File {
    content_type: HeaderValue,
    plain: Representation,
    gzip: Representation,
}

struct Representation {
    bytes: Bytes,
    tag: ETag,
}

impl File {
    /// Compresses it.
    pub fn new(content_type: &str, bytes: Vec<u8>) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let written = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        Self {
            content_type: content_type.try_into().expect("a media type"),
            plain: Representation::new(bytes),
            gzip: Representation::new(written.expect("there is memory")),
        }
    }

    /// 200 and the file, compressed if the request accepts that.
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let is_compressed = takes_gzip(headers) && self.gzip.bytes.len() < self.plain.bytes.len();
        let sent = if is_compressed { &self.gzip } else { &self.plain };
        let headers = [(CONTENT_TYPE, self.content_type.clone()), (VARY, HeaderValue::from_static("Accept-Encoding"))];
        let mut response = (headers, sent.bytes.clone()).into_response();
        response.headers_mut().typed_insert(sent.tag.clone());
        if is_compressed {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

impl Representation {
    fn new(bytes: Vec<u8>) -> Self {
        let tag = etag(0, &bytes);
        Self { bytes: bytes.into(), tag }
    }
}

/// Whether `Accept-Encoding` names gzip or `*` with a weight over 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let mut codings = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        ["gzip", "*"].contains(&name.trim()) && weight.is_ok_and(|weight| weight > 0.0)
    })
}
