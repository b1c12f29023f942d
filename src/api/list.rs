//! The answer to a list: a page, or all of it as it is read.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header::LINK},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, future, stream};
use serde::Serialize;
use tracing::Instrument;

use super::{JSON, Json, json, query::Query};
use crate::{
    auth::{CurrentUser, Seal},
    db::{
        Db,
        listing::{Listed, Listing, Place},
    },
    error::Result,
};

/// The rows that are read at once of a list that is asked for whole.
const BATCH: i64 = 50;
/// How many rows a list has, where the query asks.
pub const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// What a query asks for, of what the reader may see; `user` is None for anybody.
pub async fn list<T: Listed + Serialize>(
    db: Db,
    seal: &Seal,
    user: Option<CurrentUser>,
    query: &Query<T>,
) -> Result<Response> {
    let asked = match (query.read(seal, user.as_ref()), &user) {
        (Err(fault), Some(user)) => return Err(db.refuse(user, fault).await),
        (asked, _) => asked?,
    };
    let (listing, after) = (&asked.listing, asked.after.as_ref());
    let total = if asked.is_counted { Some(db.count::<T>(user.as_ref(), listing).await?) } else { None };
    // one more than there is room for tells that there are more
    let limit = asked.limit.unwrap_or(BATCH);
    let mut rows = db.page::<T>(user.as_ref(), listing, after, limit + 1).await?;
    let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        rows.pop();
    }
    let next = rows.last().filter(|_| has_more && asked.limit.is_some());
    let link = next.map(|(_, last)| query.next(seal, user.as_ref(), last));
    let mut response = if has_more && asked.limit.is_none() {
        ([JSON], whole(db, user, asked.listing, &rows)).into_response()
    } else {
        let rows: Vec<T> = rows.into_iter().map(|(row, _)| row).collect();
        Json(rows).into_response()
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

/// A list that goes on behind its first rows. Each batch is read when the one before it has been taken, so that a slow
/// client keeps neither a connection nor the list; a failure breaks the answer off, so that nobody takes it for whole.
fn whole<T: Listed + Serialize>(db: Db, user: Option<CurrentUser>, listing: Listing, first: &[(T, Place)]) -> Body {
    let span = tracing::Span::current();
    let last = first.last().map(|(_, place)| place.clone());
    let first = written(b'[', first);
    let rest = stream::try_unfold(last, move |last| {
        let (db, user, listing) = (db.clone(), user.clone(), listing.clone());
        let batch = async move {
            let Some(last) = last else { return Ok(None) };
            let rows = db
                .page::<T>(user.as_ref(), &listing, Some(&last), BATCH)
                .await
                .inspect_err(|fault| tracing::warn!("a list broke off: {fault}"))?;
            let mut json = written(b',', &rows)?;
            let is_full = i64::try_from(rows.len()) == Ok(BATCH);
            let last = rows.into_iter().next_back().filter(|_| is_full);
            if last.is_none() {
                json.push(b']');
            }
            Ok(Some((json, last.map(|(_, place)| place))))
        };
        batch.instrument(span.clone())
    });
    Body::from_stream(stream::once(future::ready(first)).chain(rest))
}

/// Rows as JSON, each behind a comma, but the first one of all behind the bracket.
fn written<T: Serialize>(opening: u8, rows: &[(T, Place)]) -> Result<Vec<u8>> {
    let mut written = Vec::new();
    for (index, (row, _)) in rows.iter().enumerate() {
        written.push(if index == 0 { opening } else { b',' });
        written.extend(json(row)?);
    }
    Ok(written)
}
