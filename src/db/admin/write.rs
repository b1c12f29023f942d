//! Writing a row.

use serde_json::{Map, Value};
use sqlx::{Postgres, QueryBuilder, Row as _, types::Json};

use super::{Admin, Table, list::begin, rows::Record};
use crate::error::{ApiError, FieldErrors, NON_FIELD_ERRORS, Result, constraint_error};

/// Values, by their columns.
pub type Values = Map<String, Value>;

/// What became of a change.
pub enum Change {
    Done,
    /// Somebody else changed the row meanwhile: as it is now.
    Conflict(Box<Record>),
}

impl Admin {
    /// Adds a row, and returns its number.
    pub async fn insert(&self, table: &'static Table, values: &Values) -> Result<i64> {
        let mut query = begin(&self.staff);
        query.push(table.guards.lock);
        let columns = columns(table, values).collect::<Vec<_>>();
        query.push(format!(
            " insert into {} ({}) select {} from actor, jsonb_populate_record(null::{}, ",
            table.sql,
            columns.join(", "),
            columns.iter().map(|column| format!("r.{column}")).collect::<Vec<_>>().join(", "),
            table.sql
        ));
        query.push_bind(Json(values.clone()));
        query.push(format!(") r where {} returning id", table.guards.insert));
        match query.build_query_scalar().fetch_optional(self.db.connection()).await {
            Ok(Some(id)) => Ok(id),
            Ok(None) => self.check().await.and(Err(self.why_refused())),
            Err(error) => Err(write_error(table, error)),
        }
    }

    /// Changes a row of this version.
    pub async fn update(&self, table: &'static Table, id: i64, version: &str, values: &Values) -> Result<Change> {
        if columns(table, values).next().is_none() {
            return self.unchanged(table, id, version).await;
        }
        let mut query = begin(&self.staff);
        push_update(&mut query, table, values);
        query.push_bind(id).push(format!(" and {} = ", table.version)).push_bind(version.to_owned());
        query.push(format!(" and {} and ({}) returning t.id", table.guards.may, table.guards.update));
        match query.build().fetch_optional(self.db.connection()).await {
            Ok(Some(row)) => row.try_get::<i64, _>(0).map(|_| Change::Done).map_err(ApiError::from),
            Ok(None) => self.why_unchanged(table, id, version).await,
            Err(error) => Err(write_error(table, error)),
        }
    }

    /// A change of nothing.
    async fn unchanged(&self, table: &'static Table, id: i64, version: &str) -> Result<Change> {
        let record = self.found(self.read(table, id).await?).await?;
        Ok(if record.version == version { Change::Done } else { Change::Conflict(Box::new(record)) })
    }

    async fn why_unchanged(&self, table: &'static Table, id: i64, version: &str) -> Result<Change> {
        let record = self.found(self.read(table, id).await?).await?;
        self.check().await?;
        if record.version == version { Err(self.why_refused()) } else { Ok(Change::Conflict(Box::new(record))) }
    }
}

fn push_update(query: &mut QueryBuilder<Postgres>, table: &Table, values: &Values) {
    let settings: Vec<String> = columns(table, values).map(|column| format!("{column} = r.{column}")).collect();
    query.push(table.guards.lock);
    query.push(format!(
        " update {} t set {} from actor, jsonb_populate_record(null::{}, ",
        table.sql,
        settings.join(", "),
        table.sql
    ));
    query.push_bind(Json(values.clone())).push(") r where t.id = ");
}

/// The columns that are written.
fn columns<'a>(table: &'a Table, values: &'a Values) -> impl Iterator<Item = &'static str> {
    table.written.iter().copied().filter(|column| values.contains_key(*column))
}

/// A row that another one refers to may have gone meanwhile. What is there already is said in words for a form.
fn write_error(table: &Table, error: sqlx::Error) -> ApiError {
    let database = error.as_database_error();
    let gone = database.filter(|error| error.code().as_deref() == Some("23503"));
    let field = gone.and_then(|error| constraint_error(error.table()?, error.constraint()?));
    match field {
        Some((field, _)) => ApiError::Invalid(FieldErrors::one(field, "It was deleted meanwhile.")),
        None => match error.into() {
            ApiError::Invalid(errors) if errors.has(NON_FIELD_ERRORS) && !table.twice.is_empty() => {
                ApiError::Invalid(FieldErrors::one(NON_FIELD_ERRORS, table.twice))
            }
            error => error,
        },
    }
}
