//! Lists: filtered, searched, ordered, and taken a page at a time. The only statements that are put together when they
//! run; each is made of the texts of this room alone, and of values.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{
    Db, Subject,
    caller::Caller,
    page::{Cursor, Page, Room},
    reads::Read,
};
use crate::{auth::CurrentUser, error::Result};

/// What a list is made of.
pub trait Listed: Send + 'static {
    /// A row, which may borrow its texts from what PostgreSQL sent.
    type Row<'r>: FromRow<'r, PgRow>;

    /// The columns that are read. The first one is the number of the row.
    const SELECT: &'static str;
    /// The tables, and the condition that finds what the reader may see, who is the one row of `actor` or of `reader`. The
    /// number in the path, if there is one, is the one row of `parent`.
    const FROM: &'static str;
    /// The place of the column whose texts may be long, if there is one.
    const LONG: Option<usize> = None;
    /// The number of a row.
    const ID: &'static str;
    /// The text that is searched, if any.
    const SEARCH: Option<&'static str>;
    /// Whether each user has rows of their own.
    const IS_OWNED: bool;
    /// What it can be filtered and ordered by.
    const COLUMNS: &'static [Column];
    /// What it is ordered by where nothing else is asked for: the name of a column, with `-` from the greatest on.
    const ORDERING: &'static str = "id";

    /// Which patient the row tells of, so that it is recorded who was shown it.
    fn subject(_row: &PgRow) -> sqlx::Result<Subject> {
        Ok(Subject::Nobody)
    }

    /// Refuses a caller who may not ask for it, or whose `parent` is not there. Nobody else finds rows, so it is asked only
    /// where there are none.
    fn check(db: &Db, user: &CurrentUser, _parent: Option<i64>) -> impl Future<Output = Result<()>> + Send {
        db.check(user)
    }

    /// The column of an ordering, and whether it begins with the greatest.
    fn ordering(text: &str) -> Option<(&'static Column, bool)> {
        let name = text.strip_prefix('-').unwrap_or(text);
        let column = Self::COLUMNS.iter().find(|column| column.is_ordering && column.name == name)?;
        Some((column, text.starts_with('-')))
    }
}

/// A column of a list.
pub struct Column {
    /// As clients name it.
    pub name: &'static str,
    /// As PostgreSQL knows it.
    pub sql: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the list can be ordered by it: there is an index.
    pub is_ordering: bool,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number of a row.
    Id,
    /// Numbers of rows, one of which is asked for.
    Ids,
    /// A text: compared as it is, ordered in any case and without accents.
    Text,
    /// An address, compared in any case.
    Email,
    /// One of these, which together have this name.
    Choice(&'static str, &'static [&'static str]),
    /// A day.
    Date,
    /// A point in time.
    Time,
}

/// How a column is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the value.
    Equal,
    /// `__gt`
    Greater,
    /// `__gte`
    AtLeast,
    /// `__lt`
    Less,
    /// `__lte`
    AtMost,
}

/// What a column is compared with.
#[derive(Clone)]
pub enum Value {
    Id(i64),
    Ids(Vec<i64>),
    Text(String),
    Date(NaiveDate),
    Time(DateTime<Utc>),
}

/// What is asked of a list.
#[derive(Clone)]
pub struct ListRequest {
    /// Conditions that all hold.
    pub filters: Vec<(&'static Column, Comparison, Value)>,
    /// Words that are all there.
    pub words: Vec<String>,
    /// What it is ordered by, and then by the number of the row.
    pub order: &'static Column,
    /// From the greatest on.
    pub is_descending: bool,
    /// The row that the list is of, if there is its number in the path.
    pub parent: Option<i64>,
}

impl ListRequest {
    /// All rows, in the order that the list has where nothing else is asked for.
    pub fn all<T: Listed>(parent: Option<i64>) -> Self {
        let (order, is_descending) = T::ordering(T::ORDERING).expect("a list has an order");
        Self { filters: Vec::new(), words: Vec::new(), order, is_descending, parent }
    }

    /// Where a row stands.
    fn place(&self, row: &PgRow, has_key: bool) -> sqlx::Result<Cursor> {
        let id: i64 = row.try_get(0)?;
        let key = match self.order.kind {
            _ if !has_key => id.to_string(),
            Kind::Date => row.try_get::<NaiveDate, _>("cursor_key")?.to_string(),
            Kind::Time => row.try_get::<DateTime<Utc>, _>("cursor_key")?.to_rfc3339_opts(SecondsFormat::Micros, true),
            _ => row.try_get("cursor_key")?,
        };
        Ok(Cursor { key, id })
    }

    /// Whether many rows may be looked at for each that is found: whoever asks for a number has an index.
    fn is_search(&self) -> bool {
        !self.words.is_empty() || self.filters.iter().any(|(column, ..)| column.kind != Kind::Id)
    }
}

impl Column {
    /// One that the list can be filtered and ordered by.
    pub const fn ordered(name: &'static str, sql: &'static str, kind: Kind) -> Self {
        Self { name, sql, kind, is_ordering: true }
    }

    /// One that the list can be filtered by.
    pub const fn filtered(name: &'static str, sql: &'static str, kind: Kind) -> Self {
        Self { name, sql, kind, is_ordering: false }
    }

    /// Whether it can be asked for by a range.
    pub fn has_ranges(&self) -> bool {
        matches!(self.kind, Kind::Date | Kind::Time)
    }

    /// What the rows are ordered by.
    fn order(&self) -> String {
        match self.kind {
            Kind::Text => format!("fold({})", self.sql),
            _ => self.sql.to_owned(),
        }
    }

    fn sql_type(&self) -> &'static str {
        match self.kind {
            Kind::Id | Kind::Ids => "bigint",
            Kind::Text | Kind::Email | Kind::Choice(..) => "text",
            Kind::Date => "date",
            Kind::Time => "timestamptz",
        }
    }
}

impl Comparison {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Equal => "equal to",
            Self::Greater => "greater than",
            Self::AtLeast => "at least",
            Self::Less => "less than",
            Self::AtMost => "at most",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::Greater => " > ",
            Self::AtLeast => " >= ",
            Self::Less => " < ",
            Self::AtMost => " <= ",
        }
    }
}

impl Db {
    /// At most `limit` rows of a list, behind a cursor; and no more than about so many bytes, but at least one row. Records
    /// what the caller is shown; `user` is None for anybody.
    pub async fn page<T: Listed>(
        &self,
        user: Option<&CurrentUser>,
        request: &ListRequest,
        after: Option<&Cursor>,
        limit: i64,
        bytes: usize,
    ) -> Result<Page<T>> {
        let order = request.order.order();
        let id = T::ID;
        let mut query = begin(user, request.parent);
        query.push("select ").push(T::SELECT);
        if order != id {
            query.push(", ").push(request.order.sql).push(" as cursor_key");
        }
        query.push(" ");
        condition::<T>(&mut query, request);
        let (direction, comparison) = if request.is_descending { (" desc", "<") } else { ("", ">") };
        if let Some(cursor) = after.filter(|_| order == id) {
            query.push(format!(" and {id} {comparison} ")).push_bind(cursor.id);
        } else if let Some(cursor) = after {
            query.push(format!(" and ({order}, {id}) {comparison} ("));
            query.push(if request.order.kind == Kind::Text { "fold(cast(" } else { "(cast(" });
            query.push_bind(cursor.key.clone());
            query.push(format!(" as {})), ", request.order.sql_type()));
            query.push_bind(cursor.id).push(")");
        }
        query.push(format!(" order by {order}{direction}, {id}{direction} limit "));
        // one more than there is room for tells that there are more
        query.push_bind(limit + 1);
        // of the many ways to filter none is worth to be kept prepared
        let statement = query.build().persistent(request.filters.is_empty());
        let connection = if request.is_search() { self.search_connection() } else { self.reading_connection() };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let room = connection.fetch_into(statement, || Room::new(limit, bytes, T::LONG)).await?;
        let page = room.page::<T>(|row| request.place(row, order != id))?;
        if let Some(user) = user {
            if page.count() == 0 {
                T::check(self, user, request.parent).await?;
            }
            self.reads.record(Read::new(user, page.subjects()?)).await?;
        }
        Ok(page)
    }

    /// How many rows a list has.
    pub async fn count<T: Listed>(&self, user: Option<&CurrentUser>, request: &ListRequest) -> Result<i64> {
        let mut query = begin(user, request.parent);
        query.push("select count(*) ");
        condition::<T>(&mut query, request);
        Ok(query.build_query_scalar().fetch_one(self.search_connection()).await?)
    }
}

fn begin(user: Option<&CurrentUser>, parent: Option<i64>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("with actor as materialized (select * from actor(");
    query.push_bind(user.map_or_else(Caller::nobody, Caller::of)).push(")), ");
    query.push("reader as materialized (select ").push_bind(user.is_none());
    query.push(" or exists (select from actor) as may_read) ");
    if let Some(parent) = parent {
        query.push(", parent as materialized (select cast(").push_bind(parent).push(" as bigint) as id) ");
    }
    query
}

fn condition<T: Listed>(query: &mut QueryBuilder<Postgres>, request: &ListRequest) {
    query.push(T::FROM);
    for (column, comparison, value) in &request.filters {
        let comparison = if column.kind == Kind::Ids { " @> " } else { comparison.sql() };
        query.push(" and ").push(column.sql).push(comparison);
        match value.clone() {
            Value::Id(id) => query.push_bind(id),
            Value::Ids(ids) => query.push_bind(ids),
            Value::Text(text) => query.push_bind(text),
            Value::Date(date) => query.push_bind(date),
            Value::Time(time) => query.push_bind(time),
        };
    }
    if let Some(text) = T::SEARCH.filter(|_| !request.words.is_empty()) {
        // not `like`, of which PostgreSQL expects so few rows that it would rather sort all there are; the words are
        // folded once, not for each row
        query.push(" and not exists (select from unnest(array(select fold(word) from unnest(");
        query.push_bind(request.words.clone());
        query.push("::text[]) word)) word where strpos(").push(text).push(", word) = 0)");
    }
}
