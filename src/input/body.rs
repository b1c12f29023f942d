//! The body extractor: the only way to a struct that a client sent.

use std::{collections::BTreeMap, fmt::Display, marker::PhantomData, time::Duration};

use axum::{
    extract::{FromRef, FromRequest, Multipart, Request},
    http::{HeaderMap, header::CONTENT_TYPE, request::Parts},
};
use percent_encoding::percent_decode;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

use super::{
    Errors, Input, Record, Room,
    field::{field_names, text},
    json::{NAME, TEXT, json},
    python::strip,
    read::{Extent, Payload, is_known, read, spellings},
};
use crate::error::{ApiError, Result};

/// The largest body that is read, in bytes: a medical history of 100,000 characters, each escaped, and the rest.
pub const BODY_LIMIT: usize = 2 * 1024 * 1024;
/// The largest body that is about an account or its tokens, in bytes.
pub const ACCOUNT_LIMIT: usize = 16 * 1024;
/// The greatest number of fields in a form (Django's).
pub(super) const FORM_LIMIT: usize = 1000;
const TOO_MANY: &str = "more than 1000 fields";
/// The longest time that a body may take to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that should hold a `T`.
///
/// Extracting it never fails. The error comes when it is read, because a caller who is no longer one must be told that
/// first, and so must one who changes a row of somebody else.
pub struct Body<T> {
    payload: Result<Payload>,
    of: PhantomData<fn() -> T>,
}

impl<T: Input> Body<T> {
    /// POST: what a whole body says.
    pub fn new_value(&self) -> Result<T::New> {
        self.new_value_by(T::cross_errors)
    }

    /// The same, with other rules than `cross_errors` for what looks at more than one field, such as those that follow a
    /// setting.
    pub fn new_value_by(&self, cross_errors: impl Fn(&T, &[&str]) -> Errors) -> Result<T::New> {
        let input = self.read(Extent::Whole, None, cross_errors)?;
        input.into_new().ok_or_else(|| ApiError::Internal(format!("{}: REQUIRED lacks a field", T::name())))
    }

    /// A hash of the body: of its fields in any order, and of the unknown fields in the order in which they were sent.
    pub fn fingerprint(&self) -> Vec<u8> {
        let object = self.payload.as_ref().map(|payload| &payload.object);
        let sorted: BTreeMap<_, _> = object.into_iter().flatten().collect();
        let mut content = serde_json::to_vec(&sorted).unwrap_or_default();
        let unknown = self.payload.as_ref().ok().and_then(|payload| payload.unknown.digest());
        content.extend(unknown.iter().flat_map(AsRef::as_ref));
        digest(&SHA256, &content).as_ref().to_vec()
    }

    /// A value of the body as the text that it is taken for.
    pub fn text(&self, field: &str) -> Option<String> {
        let object = &self.payload.as_ref().ok()?.object;
        let value = spellings(field).find_map(|key| object.get(key))?;
        text(value).ok().map(|text| strip(&text).to_owned())
    }

    fn read(&self, extent: Extent, shown: Option<&Value>, cross_errors: impl Fn(&T, &[&str]) -> Errors) -> Result<T> {
        let payload = self.payload.as_ref().map_err(Clone::clone)?;
        read(payload, extent, shown, cross_errors).map_err(ApiError::Invalid)
    }
}

/// A body that did not come over HTTP.
impl<T> From<Map<String, Value>> for Body<T> {
    fn from(object: Map<String, Value>) -> Self {
        Self { payload: Ok(Payload { object, ..Payload::default() }), of: PhantomData }
    }
}

impl<T> Body<T> {
    /// The fields of a form that was read already.
    pub(super) fn of_form(object: Map<String, Value>) -> Self {
        Self { payload: Ok(Payload { object, is_form: true, ..Payload::default() }), of: PhantomData }
    }
}

impl<T: Record> Body<T> {
    /// PUT: all that is required, over the row as it is; what is optional and left out stays.
    pub fn update(&self, row: &T::Row) -> Result<T::Change> {
        Ok(self.read(Extent::Whole, Some(&T::shown(row)), T::cross_errors)?.into_change(Some(row)))
    }

    /// PATCH: what is sent, over the row as it is.
    pub fn partial_update(&self, row: &T::Row) -> Result<T::Change> {
        Ok(self.read(Extent::Partial, Some(&T::shown(row)), T::cross_errors)?.into_change(None))
    }
}

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: Input,
    Room: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let payload = payload(request, &Room::from_ref(state), &known_names::<T>(), T::LIMIT).await;
        Ok(Self { payload, of: PhantomData })
    }
}

/// The fields whose values are kept.
fn known_names<T: Input>() -> Vec<&'static str> {
    field_names::<T>().iter().copied().chain(T::REFUSED.iter().map(|(name, _)| *name)).collect()
}

async fn payload(request: Request, room: &Room, names: &[&str], limit: usize) -> Result<Payload> {
    let (parts, body) = request.into_parts();
    let receiving = room.receive(body, limit, &parts.extensions);
    let received = tokio::time::timeout(BODY_TIMEOUT, receiving).await;
    let (bytes, held) = received.map_err(|_| ApiError::RequestTimeout)??;
    let _turn = room.turn(bytes.len()).await;
    Ok(Payload { _held: Some(held), ..parse(parts, bytes, names).await? })
}

async fn parse(parts: Parts, bytes: Vec<u8>, names: &[&str]) -> Result<Payload> {
    let content_type = content_type(&parts.headers);
    if bytes.is_empty() {
        return Ok(Payload::default());
    }
    let lower = content_type.to_ascii_lowercase();
    let (essence, parameters) = lower.split_once(';').unwrap_or((&lower, ""));
    let charset = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !["utf-8", "us-ascii"].contains(&charset.trim_matches('"'))) {
        return Err(ApiError::UnsupportedMediaType(content_type));
    }
    match essence.trim() {
        "application/json" => json(&bytes, names),
        "application/x-www-form-urlencoded" => urlencoded(&bytes, names),
        "multipart/form-data" => multipart(Request::from_parts(parts, bytes.into()), names).await,
        _ => Err(ApiError::UnsupportedMediaType(content_type)),
    }
}

fn urlencoded(bytes: &[u8], names: &[&str]) -> Result<Payload> {
    let malformed = |error: &str| ApiError::BadRequest(format!("Form parse error - {error}").into());
    if percent_decode(bytes).decode_utf8().is_err() {
        return Err(malformed("not UTF-8"));
    }
    if form_urlencoded::parse(bytes).nth(FORM_LIMIT).is_some() {
        return Err(malformed(TOO_MANY));
    }
    let mut payload = Payload { is_form: true, ..Payload::default() };
    for (name, value) in form_urlencoded::parse(bytes) {
        payload.insert(names, &name, value.as_bytes(), || value.as_ref().into());
    }
    Ok(payload)
}

fn malformed(error: impl Display) -> ApiError {
    ApiError::BadRequest(format!("Multipart form parse error - {error}").into())
}

/// The fields of a form. The last of one name counts. No field here takes a file.
async fn multipart(request: Request, names: &[&str]) -> Result<Payload> {
    let mut form = Multipart::from_request(request, &()).await.map_err(malformed)?;
    let mut payload = Payload { is_form: true, ..Payload::default() };
    let mut count = 0;
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        count += 1;
        if count > FORM_LIMIT {
            return Err(malformed(TOO_MANY));
        }
        let Some(name) = field.name().map(ToOwned::to_owned) else {
            continue;
        };
        let file = field.file_name().map(ToOwned::to_owned);
        let bytes = field.bytes().await.map_err(malformed)?;
        match file.as_deref() {
            // a file that was not chosen
            Some("") => {}
            Some(_) => payload.insert(names, &name, &bytes, || Value::Array(Vec::new())),
            None => {
                let text = str::from_utf8(&bytes).map_err(|_| malformed("not UTF-8"))?;
                payload.insert(names, &name, &bytes, || text.into());
            }
        }
    }
    Ok(payload)
}

impl Payload {
    /// Keeps a known field of a form. Unknown ones count only for the fingerprint.
    fn insert(&mut self, names: &[&str], name: &str, content: &[u8], value: impl FnOnce() -> Value) {
        if is_known(names, name) {
            self.object.insert(name.to_owned(), value());
        } else {
            self.unknown.add(NAME, name.as_bytes());
            self.unknown.add(TEXT, content);
        }
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let header = headers.get(CONTENT_TYPE).map(|header| String::from_utf8_lossy(header.as_bytes()));
    header.unwrap_or_default().into_owned()
}
