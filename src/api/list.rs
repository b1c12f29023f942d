//! The answer to a list: a page, or all of it as it is read.

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderName, HeaderValue,
        header::{CONTENT_TYPE, LINK},
    },
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde::Serialize;
use tracing::Instrument;

use super::{Json, query::Query};
use crate::{
    auth::{CurrentUser, Seal},
    db::{
        Db,
        listing::{Listed, Listing, Place},
    },
    error::{ApiError, Result},
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
    let total = if asked.is_counted {
        Some(db.count::<T>(user.as_ref(), listing).await?)
    } else {
        None
    };
    // one more than there is room for tells that there are more
    let limit = asked.limit.unwrap_or(BATCH);
    let mut rows = db
        .page::<T>(user.as_ref(), listing, after, limit + 1)
        .await?;
    let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if has_more {
        rows.pop();
    }
    let next = rows.last().filter(|_| has_more && asked.limit.is_some());
    let link = next.map(|(_, last)| query.next(seal, user.as_ref(), last));
    let mut response = if has_more && asked.limit.is_none() {
        let content_type = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (content_type, whole(db, user, asked.listing, rows)).into_response()
    } else {
        let rows: Vec<T> = rows.into_iter().map(|(row, _)| row).collect();
        Json(rows).into_response()
    };
    let headers = response.headers_mut();
    if let Some(link) =
        link.and_then(|link| HeaderValue::try_from(format!("<{link}>; rel=\"next\"")).ok())
    {
        headers.insert(LINK, link);
    }
    if let Some(total) = total {
        headers.insert(X_TOTAL_COUNT, total.into());
    }
    Ok(response)
}

/// A list that goes on behind its first rows. Each batch is read when the one before it has been taken, so that a slow
/// client keeps neither a connection nor the list; a failure breaks the answer off, so that nobody takes it for whole.
fn whole<T: Listed + Serialize>(
    db: Db,
    user: Option<CurrentUser>,
    listing: Listing,
    first: Vec<(T, Place)>,
) -> Body {
    let begin = Batch {
        opening: b'[',
        read: Some(first),
        last: None,
    };
    let span = tracing::Span::current();
    Body::from_stream(stream::try_unfold(Some(begin), move |batch| {
        let (db, user, listing) = (db.clone(), user.clone(), listing.clone());
        let step = async move {
            let Some(Batch {
                opening,
                read,
                last,
            }) = batch
            else {
                return Ok(None);
            };
            let is_first = read.is_some();
            let rows = match read {
                Some(rows) => rows,
                None => db
                    .page::<T>(user.as_ref(), &listing, last.as_ref(), BATCH)
                    .await
                    .inspect_err(|fault| tracing::warn!("a list broke off: {fault}"))?,
            };
            let mut json = written(opening, &rows)?;
            let is_full = i64::try_from(rows.len()) == Ok(BATCH);
            let next = rows.last().filter(|_| is_first || is_full);
            let next = next.map(|(_, last)| Batch {
                opening: b',',
                read: None,
                last: Some(last.clone()),
            });
            if next.is_none() {
                json.push(b']');
            }
            Ok::<_, ApiError>(Some((Bytes::from(json), next)))
        };
        step.instrument(span.clone())
    }))
}

/// A part of a list that is sent as it is read.
struct Batch<T> {
    /// What stands before its first row.
    opening: u8,
    /// Its rows, if they have been read: those of the first one.
    read: Option<Vec<(T, Place)>>,
    /// The row that it begins behind.
    last: Option<Place>,
}

/// Rows as JSON, each behind a comma, but the first one of all behind the bracket.
fn written<T: Serialize>(opening: u8, rows: &[(T, Place)]) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    for (index, (row, _)) in rows.iter().enumerate() {
        json.push(if index == 0 { opening } else { b',' });
        serde_json::to_writer(&mut json, row)
            .map_err(|error| ApiError::Internal(format!("an answer: {error}")))?;
    }
    Ok(json)
}
