//! The answer to a list: a page, or all of it as it is read.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header::LINK},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, future, stream};
use tracing::Instrument;

use super::{
    answer::{JSON, Show, write_json},
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Seal},
    db::{
        Db,
        listing::{ListRequest, Listed},
        page::{Cursor, Page},
    },
    error::Result,
};

/// The rows that are read first of a list that is asked for whole.
const FIRST_ROWS: i64 = 200;
/// About how many bytes of rows an answer has in memory at once: more are sent as they are read.
const FIRST_BYTES: usize = 128 << 10;
/// The same of what is sent then.
const BATCH_BYTES: usize = 64 << 10;
/// How many rows a list has, where the query asks.
pub const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// What a query asks for, of what the reader may see, and which parameters of it nobody knows; `user` is None for anybody.
pub async fn list<T>(db: Db, seal: &Seal, user: Option<CurrentUser>, query: &ListQuery<T>) -> Response
where
    T: Listed,
    for<'r> T::Row<'r>: Show,
{
    let response = rows(db, seal, user, query).await.into_response();
    query.handling.told(query.unknown(), response)
}

async fn rows<T>(db: Db, seal: &Seal, user: Option<CurrentUser>, query: &ListQuery<T>) -> Result<Response>
where
    T: Listed,
    for<'r> T::Row<'r>: Show,
{
    let page = query.read(seal, user.as_ref());
    if let (Some(user), true) = (&user, page.is_err()) {
        T::check(&db, user, query.parent()).await?;
    }
    let page = page?;
    let (list, after) = (&page.list, page.after.as_ref());
    let total = if page.is_counted { Some(db.count::<T>(user.as_ref(), list).await?) } else { None };
    let limit = page.limit.unwrap_or(FIRST_ROWS);
    let first = db.page::<T>(user.as_ref(), list, after, limit, FIRST_BYTES).await?;
    let next = first.next.as_ref().filter(|_| page.limit.is_some());
    let link = next.map(|last| query.next(seal, user.as_ref(), last));
    let mut json = written(b"[", &first)?;
    let mut response = if let Some(rest) = Rest::behind(&first, page.limit.map(|_| first.missing)) {
        let first = stream::once(future::ready(Ok(json)));
        ([JSON], Body::from_stream(first.chain(batches::<T>(db, user, page.list, rest)))).into_response()
    } else {
        json.push(b']');
        ([JSON], json).into_response()
    };
    let headers = response.headers_mut();
    if let Some(link) = link.and_then(|link| HeaderValue::try_from(format!("<{link}>; rel=\"next\"")).ok()) {
        headers.insert(LINK, link);
    }
    if let Some(total) = total {
        headers.insert(X_TOTAL_COUNT, total.into());
    }
    Ok(response)
}

/// The part of a list that is not read yet.
pub(super) struct Rest {
    /// Behind which row it begins.
    after: Option<Cursor>,
    /// How many rows it has. None: all there are.
    left: Option<i64>,
    /// How many rows are read at once.
    rows: i64,
}

impl Rest {
    /// A whole list.
    pub(super) fn all() -> Self {
        Self { after: None, left: None, rows: FIRST_ROWS }
    }

    /// What is behind some rows. None: nothing is.
    fn behind<T: Listed>(page: &Page<T>, left: Option<i64>) -> Option<Self> {
        let is_end = left == Some(0) || page.missing == 0 && page.next.is_none();
        let after = page.last.clone().filter(|_| !is_end)?;
        Some(Self { after: Some(after), left, rows: page.rows_in(BATCH_BYTES) })
    }
}

/// The rest of a list, and the bracket that ends it. Each batch is read when the one before it has been taken, so that a
/// slow client keeps neither a connection nor the list; a failure breaks the answer off, so that nobody takes it for whole.
pub(super) fn batches<T>(
    db: Db,
    user: Option<CurrentUser>,
    list: ListRequest,
    rest: Rest,
) -> impl Stream<Item = Result<Vec<u8>>>
where
    T: Listed,
    for<'r> T::Row<'r>: Show,
{
    let span = tracing::Span::current();
    stream::try_unfold(Some(rest), move |rest| {
        let (db, user, list) = (db.clone(), user.clone(), list.clone());
        let batch = async move {
            let Some(Rest { after, left, rows }) = rest else { return Ok(None) };
            let limit = left.map_or(rows, |left| left.min(rows));
            let page = db
                .page::<T>(user.as_ref(), &list, after.as_ref(), limit, BATCH_BYTES)
                .await
                .inspect_err(|error| tracing::warn!("a list broke off: {error}"))?;
            let is_first = after.is_none() || page.count() == 0;
            let mut json = written(if is_first { b"" } else { b"," }, &page)?;
            let left = left.map(|left| left - page.count());
            let rest = Rest::behind(&page, left);
            if rest.is_none() {
                json.push(b']');
            }
            Ok(Some((json, rest)))
        };
        batch.instrument(span.clone())
    })
}

/// Rows as JSON behind this, with commas between them.
fn written<T>(opening: &[u8], page: &Page<T>) -> Result<Vec<u8>>
where
    T: Listed,
    for<'r> T::Row<'r>: Show,
{
    let mut written = opening.to_vec();
    for (index, row) in page.rows().enumerate() {
        if index > 0 {
            written.push(b',');
        }
        write_json(&mut written, &row?.view())?;
    }
    Ok(written)
}
