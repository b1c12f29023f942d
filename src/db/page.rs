//! A page of a list, as much of it as there is room for.

use std::marker::PhantomData;

use sqlx::{FromRow, Row as _, postgres::PgRow};

use super::{Subject, connection::Row, listing::Listed};
use crate::error::Result;

/// About how many bytes a row has without what may be long.
const SHORT: usize = 256;
/// The most rows that are worth to be read at once.
const MOST_ROWS: i64 = 1000;

/// Where a row stands in a list.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// The value that the list is ordered by, as PostgreSQL reads it.
    pub key: String,
    /// The number of the row.
    pub id: i64,
}

/// Rows of a list, one behind the other: all that were asked for, or the first of them, because they are long.
pub struct Page<T> {
    rows: Vec<PgRow>,
    /// About how many bytes these rows have.
    size: usize,
    /// Where the last of these rows stands.
    pub last: Option<Cursor>,
    /// How many of the rows that were asked for are not here.
    pub missing: i64,
    /// Where the last of the rows that were asked for stands, if there are others behind it.
    pub next: Option<Cursor>,
    of: PhantomData<T>,
}

impl<T: Listed> Page<T> {
    /// The rows that are here.
    pub fn rows(&self) -> impl Iterator<Item = Result<T::Row<'_>>> {
        self.rows.iter().map(|row| Ok(T::Row::from_row(row)?))
    }

    /// Which patients they tell of.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>> {
        Ok(self.rows.iter().map(T::subject).collect::<sqlx::Result<_>>()?)
    }

    /// How many rows are here.
    pub fn count(&self) -> i64 {
        i64::try_from(self.rows.len()).unwrap_or(i64::MAX)
    }

    /// How many such rows have about so many bytes: one at least.
    pub fn rows_in(&self, bytes: usize) -> i64 {
        let rows = bytes.saturating_mul(self.rows.len()) / self.size.max(1);
        i64::try_from(rows).unwrap_or(MOST_ROWS).clamp(1, MOST_ROWS)
    }
}

/// The rows of a page as they come: those that there is room for are kept, and the one that ends the page.
pub(super) struct Room {
    limit: usize,
    bytes: usize,
    /// The column that may be long.
    long: Option<usize>,
    rows: Vec<PgRow>,
    size: usize,
    /// The last row of the page, where it is not among `rows`.
    end: Option<PgRow>,
    /// How many came.
    count: usize,
}

impl Room {
    pub(super) fn new(limit: usize, bytes: usize, long: Option<usize>) -> Self {
        Self { limit, bytes, long, rows: Vec::new(), size: 0, end: None, count: 0 }
    }

    /// What came. `place` says where a row stands.
    pub(super) fn page<T>(self, place: impl Fn(&PgRow) -> sqlx::Result<Cursor>) -> Result<Page<T>> {
        let Self { limit, rows, size, end, count, .. } = self;
        let next = end.as_ref().or(rows.last()).filter(|_| count > limit).map(&place).transpose()?;
        let missing = i64::try_from(count.min(limit) - rows.len()).unwrap_or(i64::MAX);
        Ok(Page { last: rows.last().map(place).transpose()?, rows, size, missing, next, of: PhantomData })
    }
}

impl Extend<Row> for Room {
    fn extend<I: IntoIterator<Item = Row>>(&mut self, rows: I) {
        for row in rows.into_iter().filter_map(Row::right) {
            if self.count == self.rows.len() && self.count < self.limit && (self.size < self.bytes || self.count == 0) {
                self.size += SHORT + self.long.map_or(0, |column| length(&row, column));
                self.rows.push(row);
            } else if self.count + 1 == self.limit {
                self.end = Some(row);
            }
            self.count += 1;
        }
    }
}

fn length(row: &PgRow, column: usize) -> usize {
    row.try_get_raw(column).ok().and_then(|value| value.as_bytes().ok().map(<[u8]>::len)).unwrap_or(0)
}
