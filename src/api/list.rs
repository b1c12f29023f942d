//! The answer to a list: a page, or all of it as it is read.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header::LINK},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, future, stream};
use tracing::Instrument;

use super::{
    answer::{JSON, Rows, Show, json},
    query::ListQuery,
};
use crate::{
    auth::{CurrentUser, Seal},
    db::{
        Db,
        listing::{Cursor, ListRequest, Listed, Page},
    },
    error::Result,
};

/// The rows that are read at once of a list that is asked for whole.
const BATCH: i64 = 50;
/// How many rows a list has, where the query asks.
pub const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// What a query asks for, of what the reader may see, and which parameters of it nobody knows; `user` is None for anybody.
pub async fn list<T: Listed + Show>(db: Db, seal: &Seal, user: Option<CurrentUser>, query: &ListQuery<T>) -> Response {
    let response = rows(db, seal, user, query).await.into_response();
    query.handling.told(query.unknown(), response)
}

async fn rows<T: Listed + Show>(
    db: Db,
    seal: &Seal,
    user: Option<CurrentUser>,
    query: &ListQuery<T>,
) -> Result<Response> {
    let page = query.read(seal, user.as_ref());
    if let (Some(user), true) = (&user, page.is_err()) {
        T::check(&db, user, query.parent()).await?;
    }
    let page = page?;
    let (list, after) = (&page.list, page.after.as_ref());
    let total = if page.is_counted { Some(db.count::<T>(user.as_ref(), list).await?) } else { None };
    let Page { rows, has_more } = db.page::<T>(user.as_ref(), list, after, page.limit.unwrap_or(BATCH)).await?;
    let next = rows.last().filter(|_| has_more && page.limit.is_some());
    let link = next.map(|(_, last)| query.next(seal, user.as_ref(), last));
    let mut response = if has_more && page.limit.is_none() {
        ([JSON], whole(db, user, page.list, &rows)).into_response()
    } else {
        let rows: Vec<T> = rows.into_iter().map(|(row, _)| row).collect();
        Rows(rows).into_response()
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

/// A list that goes on behind its first rows.
fn whole<T: Listed + Show>(db: Db, user: Option<CurrentUser>, list: ListRequest, rows: &[(T, Cursor)]) -> Body {
    let place = rows.last().map(|(_, cursor)| cursor.clone());
    let first = written(b"[", rows);
    Body::from_stream(stream::once(future::ready(first)).chain(batches::<T>(db, user, list, place)))
}

/// The rows behind a cursor, or all there are, and the bracket that ends them. Each batch is read when the one before it has
/// been taken, so that a slow client keeps neither a connection nor the list; a failure breaks the answer off, so that nobody
/// takes it for whole.
pub(super) fn batches<T: Listed + Show>(
    db: Db,
    user: Option<CurrentUser>,
    list: ListRequest,
    after: Option<Cursor>,
) -> impl Stream<Item = Result<Vec<u8>>> {
    let span = tracing::Span::current();
    stream::try_unfold(Some(after), move |place| {
        let (db, user, list) = (db.clone(), user.clone(), list.clone());
        let batch = async move {
            let Some(after) = place else { return Ok(None) };
            let Page { rows, has_more } = db
                .page::<T>(user.as_ref(), &list, after.as_ref(), BATCH)
                .await
                .inspect_err(|error| tracing::warn!("a list broke off: {error}"))?;
            let mut json = written(if after.is_none() { b"" } else { b"," }, &rows)?;
            let next = rows.into_iter().next_back().filter(|_| has_more).map(|(_, cursor)| Some(cursor));
            if next.is_none() {
                json.push(b']');
            }
            Ok(Some((json, next)))
        };
        batch.instrument(span.clone())
    })
}

/// Rows as JSON, each behind a comma, but the first one behind this.
fn written<T: Show>(opening: &[u8], rows: &[(T, Cursor)]) -> Result<Vec<u8>> {
    let mut written = Vec::new();
    for (index, (row, _)) in rows.iter().enumerate() {
        written.extend(if index == 0 { opening } else { b"," });
        written.extend(json(&row.view())?);
    }
    Ok(written)
}
