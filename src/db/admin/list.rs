//! Lists of everybody's rows: filtered, searched, ordered, and taken a page at a time.

use serde_json::{Map, Value};
use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow, types::Json};

use super::{
    Admin, Table,
    doors::StaffCaller,
    table::{Column, Filter},
};
use crate::{auth::Staff, error::Result};

/// The most rows that are counted.
pub const COUNTED: i64 = 10_000;

/// What is asked of a list.
#[derive(Clone)]
pub struct ListRequest {
    /// What all hold.
    pub conditions: Vec<(&'static Filter, Condition)>,
    /// Words that are all there.
    pub words: Vec<String>,
    /// What it is ordered by, and then by the number of the row. None: by that alone.
    pub order: Option<&'static Column>,
    /// From the greatest on.
    pub is_descending: bool,
    /// What the page comes behind.
    pub after: Option<After>,
    /// Of these rows only.
    pub ids: Option<Vec<i64>>,
    pub limit: i64,
}

/// The place that a page comes behind, whether its row is still there or not.
#[derive(Clone)]
pub struct After {
    /// What the row is ordered by.
    pub key: String,
    /// Among the rows of the same key: by this number, and then by its own.
    pub then: i64,
    pub id: i64,
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
    /// Where it stands in the order.
    place: After,
}

/// A page of a list.
pub struct ListPage {
    pub rows: Vec<ListRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<After>,
}

impl ListRequest {
    /// The latest rows of a table.
    pub fn latest(limit: i64) -> Self {
        Self {
            conditions: Vec::new(),
            words: Vec::new(),
            order: None,
            is_descending: true,
            after: None,
            ids: None,
            limit,
        }
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
        let few = self.few(table, &request.words).await?;
        let (order, then) = request.order.map_or(("t.id", "t.id"), |column| (column.order, column.then));
        let direction = if request.is_descending { " desc" } else { "" };
        // first the page, from as little as it takes to find it: often an index alone
        let from = if table.needs_all(request) { table.from.to_owned() } else { latest(table, request) };
        let mut query = begin(&self.staff);
        query.push(format!(", page as materialized (select t.id, {order} as key, {then} as after_key"));
        push_condition(&mut query, table, &from, request, few);
        push_after(&mut query, request, (order, then));
        query
            .push(format!(" order by {order}{direction}, {then}{direction}, t.id{direction} limit "))
            .push_bind(request.limit + 1);
        query.push(format!(") select t.id, {} as label, ", table.label));
        push_values(&mut query, table);
        let patient = table.patient.unwrap_or("null::bigint");
        query.push(format!(
            " as values, {patient} as patient, page.key::text as key, page.after_key from page, {} \
            where t.id = page.id order by page.key{direction}, page.after_key{direction}, t.id{direction}",
            table.from
        ));
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
        let last = rows.last().filter(|_| has_next);
        Ok(ListPage { next: last.map(|row| row.place.clone()), rows })
    }

    /// How many rows there are; of more than are counted, one more.
    pub async fn count(&self, table: &'static Table, request: &ListRequest) -> Result<i64> {
        let mut query = begin(&self.staff);
        query.push(" select count(*) from (select");
        let few = self.few(table, &request.words).await?;
        let from = if request.words.is_empty() { &format!("{} t", table.sql) } else { table.from };
        push_condition(&mut query, table, from, request, few);
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

/// The table, or what came into it in the last days. PostgreSQL would rather look for these all along the order.
fn latest(table: &Table, request: &ListRequest) -> String {
    let is_short = |condition: &Condition| matches!(condition, Condition::Within("1 day" | "7 days"));
    let short = request.conditions.iter().find(|(_, condition)| is_short(condition));
    match (short, request.order) {
        (Some((filter, Condition::Within(interval))), Some(order)) if filter.name != order.name => {
            format!("(select * from {} t where {} >= now() - interval '{interval}' offset 0) t", table.sql, filter.sql)
        }
        _ => format!("{} t", table.sql),
    }
}

fn push_after(query: &mut QueryBuilder<Postgres>, request: &ListRequest, (order, then): (&str, &str)) {
    let Some(After { key, then: after_key, id }) = &request.after else { return };
    let comparison = if request.is_descending { "<" } else { ">" };
    let kind = request.order.map_or("bigint", Column::sql_type);
    // the first one is said as well, because an index of the key alone finds its place by it
    query.push(format!(" and {order} {comparison}= cast(")).push_bind(key.clone());
    query.push(format!(" as {kind}) and ({order}, {then}, t.id) {comparison} (cast(")).push_bind(key.clone());
    query.push(format!(" as {kind}), ")).push_bind(*after_key).push(", ").push_bind(*id).push(")");
}

fn push_values(query: &mut QueryBuilder<Postgres>, table: &Table) {
    let columns = table.columns.iter().map(|column| format!("'{}', {}", column.name, column.sql));
    query.push(format!("jsonb_build_object({})", columns.collect::<Vec<_>>().join(", ")));
}

/// Where the rows are, and what holds of them.
fn push_condition(
    query: &mut QueryBuilder<Postgres>,
    table: &Table,
    from: &str,
    request: &ListRequest,
    few: Option<Vec<i64>>,
) {
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
    push_words(query, table, &request.words, few);
}

fn push_words(query: &mut QueryBuilder<Postgres>, table: &Table, words: &[String], few: Option<Vec<i64>>) {
    if words.is_empty() {
        return;
    }
    query.push(" and (");
    for (index, word) in words.iter().enumerate() {
        query.push(if index == 0 { "(" } else { " and (" });
        push_texts(query, table.search.texts(), word);
        query.push(")");
    }
    if let Some(few) = few {
        query.push(" and t.id = any(").push_bind(few).push(")");
    }
    if let [word] = words
        && let Ok(id) = word.trim_start_matches('#').parse::<i64>()
    {
        query.push(" or t.id = ").push_bind(id);
    }
    query.push(")");
}

/// That a word is in one of these texts.
pub(super) fn push_texts(query: &mut QueryBuilder<Postgres>, texts: impl Iterator<Item = &'static str>, word: &str) {
    for (index, text) in texts.enumerate() {
        query.push(if index == 0 { "" } else { " or " });
        query.push(format!("{text} like search_pattern(")).push_bind(word.to_owned()).push(")");
    }
}

fn row(row: &PgRow) -> sqlx::Result<ListRow> {
    let Json(values) = row.try_get("values")?;
    let id = row.try_get("id")?;
    Ok(ListRow {
        id,
        label: row.try_get("label")?,
        values,
        patient: row.try_get("patient")?,
        place: After { key: row.try_get("key")?, then: row.try_get("after_key")?, id },
    })
}
