//! Lists of everybody's rows: filtered, searched, ordered, and taken a page at a time.

use serde_json::{Map, Value};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow, types::Json};

use super::{
    Admin, Table,
    doors::StaffCaller,
    table::{Column, Filter, Search},
};
use crate::{auth::Staff, error::Result};

/// The most rows that are counted.
pub const COUNTED: i64 = 10_000;
/// The most rows that a page's search finds through other tables, where nothing else is asked for.
const THROUGH: i64 = 200;

/// What is asked of a list.
#[derive(Clone)]
pub struct ListRequest {
    /// What all hold.
    pub conditions: Vec<(&'static Filter, Condition)>,
    /// Words that are all there.
    pub words: Vec<String>,
    /// What it is ordered by, and then by the number of the row.
    pub order: &'static Column,
    /// From the greatest on.
    pub is_descending: bool,
    /// What the page comes behind.
    pub after: Option<After>,
    /// Of these rows only.
    pub ids: Option<Vec<i64>>,
    pub limit: i64,
}

/// What a page comes behind.
#[derive(Clone)]
pub enum After {
    /// This row. It may be gone; then there is nothing behind it.
    Row(i64),
    /// The place where such a row was: what it was ordered by, and its number.
    Place(String, i64),
}

/// What a filter asks for.
#[derive(Clone)]
pub enum Condition {
    Text(String),
    Id(i64),
    Flag(bool),
    /// Not longer ago than this interval.
    Within(&'static str),
    /// What no row has.
    Never,
}

/// A row of a list.
pub struct ListRow {
    pub id: i64,
    pub label: String,
    /// The columns, by their names.
    pub values: Map<String, Value>,
    /// The patient that it tells of.
    pub(super) patient: Option<i64>,
    /// What it is ordered by.
    key: String,
}

/// A page of a list.
pub struct ListPage {
    pub rows: Vec<ListRow>,
    /// The last row, if there is a next page: its number, and what it is ordered by.
    pub next: Option<(i64, String)>,
}

impl ListRequest {
    /// The latest rows of a table.
    pub fn latest(table: &'static Table, limit: i64) -> Self {
        let order = table.ordering(table.latest).expect("a list has an order");
        Self { conditions: Vec::new(), words: Vec::new(), order, is_descending: true, after: None, ids: None, limit }
    }

    /// Those for which a filter holds.
    #[must_use]
    pub fn with(mut self, filter: &'static Filter, condition: Condition) -> Self {
        self.conditions.push((filter, condition));
        self
    }

    /// Whether all rows are asked for.
    pub fn is_of_all(&self) -> bool {
        self.conditions.is_empty() && self.words.is_empty() && self.ids.is_none()
    }
}

/// A statement that starts from the staff member.
pub(super) fn begin(staff: &Staff) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("with actor as materialized (select * from staff(");
    query.push_bind(StaffCaller::of(staff)).push("))");
    query
}

impl Admin {
    /// A page of a list, whose rows are shown.
    pub async fn list(&self, table: &'static Table, request: &ListRequest) -> Result<ListPage> {
        let mut query = begin(&self.staff);
        let order = request.order.order.unwrap_or("t.id");
        if let Some(After::Row(id)) = request.after {
            query.push(format!(
                ", place as materialized (select {order} as key, t.id from {} where t.id = ",
                table.from
            ));
            query.push_bind(id).push(")");
        }
        query.push(format!(" select t.id, {} as label, ", table.label));
        push_values(&mut query, table);
        let patient = table.patient.unwrap_or("null::bigint");
        query.push(format!(" as values, {patient} as patient, ({order})::text as key"));
        push_condition(&mut query, table, table.from, request);
        push_after(&mut query, request, order);
        let direction = if request.is_descending { " desc" } else { "" };
        query.push(format!(" order by {order}{direction}, t.id{direction} limit ")).push_bind(request.limit + 1);
        let connection = if request.is_of_all() { self.db.reading_connection() } else { self.db.search_connection() };
        // of the many ways to ask none is worth to be kept prepared, in the place of a statement of the API
        let rows = query.build().persistent(false).fetch_all(connection).await?;
        let mut rows = rows.iter().map(row).collect::<sqlx::Result<Vec<_>>>()?;
        let has_next = i64::try_from(rows.len()).is_ok_and(|count| count > request.limit);
        if has_next {
            rows.pop();
        }
        if rows.is_empty() {
            self.check().await?;
        }
        self.shows(table, rows.iter().map(|row| (row.id, row.patient))).await?;
        Ok(ListPage { next: rows.last().filter(|_| has_next).map(|row| (row.id, row.key.clone())), rows })
    }

    /// How many rows there are; of more than are counted, one more.
    pub async fn count(&self, table: &'static Table, request: &ListRequest) -> Result<i64> {
        let mut query = begin(&self.staff);
        query.push(" select count(*) from (select");
        let from = if request.is_of_all() { &format!("{} t", table.sql) } else { table.from };
        push_condition(&mut query, table, from, request);
        query.push(" limit ").push_bind(COUNTED + 1).push(") counted");
        let connection = if request.is_of_all() { self.db.reading_connection() } else { self.db.search_connection() };
        Ok(query.build_query_scalar().persistent(false).fetch_one(connection).await?)
    }

    /// The values that a filter can have.
    pub async fn values(&self, of: &'static str) -> Result<Vec<String>> {
        let mut query = begin(&self.staff);
        query.push(", all_values as (").push(of).push(") select value from all_values where (select true from actor)");
        Ok(query.build_query_scalar().fetch_all(self.db.reading_connection()).await?)
    }
}

fn push_after(query: &mut QueryBuilder<Postgres>, request: &ListRequest, order: &str) {
    let comparison = if request.is_descending { "<" } else { ">" };
    match &request.after {
        None => {}
        Some(After::Row(_)) => {
            query.push(format!(" and ({order}, t.id) {comparison} ((select key from place), (select id from place))"));
        }
        Some(After::Place(key, id)) => {
            query.push(format!(" and ({order}, t.id) {comparison} (cast(")).push_bind(key.clone());
            query.push(format!(" as {}), ", request.order.sql_type())).push_bind(*id).push(")");
        }
    }
}

fn push_values(query: &mut QueryBuilder<Postgres>, table: &Table) {
    let columns = table.columns.iter().map(|column| format!("'{}', {}", column.name, column.sql));
    query.push(format!("jsonb_build_object({})", columns.collect::<Vec<_>>().join(", ")));
}

/// Where the rows are, and what holds of them.
fn push_condition(query: &mut QueryBuilder<Postgres>, table: &Table, from: &str, request: &ListRequest) {
    query.push(format!(" from {from} where (select true from actor)"));
    for (filter, condition) in &request.conditions {
        let sql = filter.sql;
        match condition {
            Condition::Text(text) => query.push(format!(" and {sql} = ")).push_bind(text.clone()),
            Condition::Id(id) => query.push(format!(" and {sql} = ")).push_bind(*id),
            Condition::Flag(true) => query.push(format!(" and {sql}")),
            Condition::Flag(false) => query.push(format!(" and not {sql}")),
            Condition::Never => query.push(" and false"),
            Condition::Within(interval) => query.push(format!(" and {sql} >= now() - interval '{interval}'")),
        };
    }
    if let Some(ids) = &request.ids {
        query.push(" and t.id = any(").push_bind(ids.clone()).push(")");
    }
    let most = (request.conditions.is_empty() && request.limit <= THROUGH).then_some(THROUGH);
    push_words(query, table, &request.words, most);
}

fn push_words(query: &mut QueryBuilder<Postgres>, table: &Table, words: &[String], most: Option<i64>) {
    if words.is_empty() {
        return;
    }
    query.push(" and (");
    match &table.search {
        Search::Text(text) => push_text(query, text, words),
        Search::Through(ways) => {
            query.push("t.id = any(array(");
            for (index, (from, text)) in ways.iter().enumerate() {
                query.push(if index == 0 { "(" } else { " union all (" });
                query.push(format!("select m.id from {from} where "));
                push_text(query, text, words);
                // null: all of them
                query.push(" limit ").push_bind(most).push(")");
            }
            query.push("))");
        }
    }
    if let [word] = words
        && let Ok(id) = word.trim_start_matches('#').parse::<i64>()
    {
        query.push(" or t.id = ").push_bind(id);
    }
    query.push(")");
}

fn push_text(query: &mut QueryBuilder<Postgres>, text: &str, words: &[String]) {
    for (index, word) in words.iter().enumerate() {
        query.push(if index == 0 { "" } else { " and " });
        query.push(format!("{text} like search_pattern(")).push_bind(word.clone()).push(")");
    }
}

fn row(row: &PgRow) -> sqlx::Result<ListRow> {
    let Json(values) = row.try_get("values")?;
    Ok(ListRow {
        id: row.try_get("id")?,
        label: row.try_get("label")?,
        values,
        patient: row.try_get("patient")?,
        key: row.try_get("key")?,
    })
}
