//! One row of a table, and rows that go.

use serde_json::Value;
use sqlx::Row as _;

use super::{Admin, FOR_SUPERUSERS, LAST_SUPERUSER, Table, list::begin, table::Guards};
use crate::error::{ApiError, Result};

/// A row, all of it.
pub struct Record {
    pub id: i64,
    pub label: String,
    pub version: String,
    /// Its columns, by their names.
    pub values: Value,
    /// Whether the staff member may change or delete it.
    pub may_change: bool,
    /// The patient that it tells of.
    pub(super) patient: Option<i64>,
}

impl Record {
    /// The number of the row that is picked in a field.
    pub fn picked(&self, field: &str) -> Option<i64> {
        self.values.get(field)?.get(0)?.as_i64()
    }
}

impl Admin {
    /// A row that is shown.
    pub async fn get(&self, table: &'static Table, id: i64) -> Result<Record> {
        let record = self.found(self.read(table, id).await?).await?;
        self.shows(table, [(record.id, record.patient)]).await?;
        Ok(record)
    }

    /// A row that a write looks at.
    pub(super) async fn read(&self, table: &'static Table, id: i64) -> Result<Option<Record>> {
        let mut query = begin(&self.staff);
        query.push(format!(
            " select t.id, {} as label, {} as version, {} as record, {} as may_change, {} as patient \
                from actor, {} where t.id = ",
            table.label,
            table.version,
            table.record,
            table.guards.may,
            table.patient.unwrap_or("null::bigint"),
            table.from
        ));
        query.push_bind(id);
        let row = query.build().fetch_optional(self.db.reading_connection()).await?;
        let record = row.map(|row| {
            Ok::<_, sqlx::Error>(Record {
                id: row.try_get("id")?,
                label: row.try_get("label")?,
                version: row.try_get("version")?,
                values: row.try_get("record")?,
                may_change: row.try_get("may_change")?,
                patient: row.try_get("patient")?,
            })
        });
        Ok(record.transpose()?)
    }

    /// What a row is called, which shows it. None: there is none.
    pub async fn label(&self, table: &'static Table, id: i64) -> Result<Option<String>> {
        let mut query = begin(&self.staff);
        let patient = table.patient.unwrap_or("null::bigint");
        query.push(format!(
            " select {}, {patient} from {} where (select true from actor) and t.id = ",
            table.label, table.from
        ));
        query.push_bind(id);
        let found = query.build_query_as().fetch_optional(self.db.reading_connection()).await?;
        let Some((label, patient)) = found else { return Ok(None) };
        self.shows(table, [(id, patient)]).await?;
        Ok(Some(label))
    }

    /// Deletes rows, and all that goes with them: all of them or none.
    pub async fn delete(&self, table: &'static Table, ids: &[i64]) -> Result<u64> {
        let Guards { may, lock, delete, .. } = &table.guards;
        let mut query = begin(&self.staff);
        query.push(", wanted as materialized (select ").push_bind(ids.to_vec()).push("::bigint[] as ids)");
        // a row that may not go keeps all of them
        query.push(format!(
            "{lock}, chosen as materialized ( \
                select t.id, {may} and {delete} as may_go from {table} t, actor, wanted where t.id = any(wanted.ids)), \
            deleted as ( \
                delete from {table} t using actor, chosen \
                where t.id = chosen.id and (select bool_and(may_go) from chosen) \
                returning t.id) \
            select (select count(*) from chosen where not may_go) as kept, (select count(*) from deleted) as deleted",
            table = table.sql
        ));
        let query = query.build();
        let row = query.fetch_one(self.db.connection()).await?;
        let (kept, deleted): (i64, i64) = (row.try_get("kept")?, row.try_get("deleted")?);
        if kept > 0 {
            return Err(self.why_refused());
        }
        if deleted == 0 {
            return self.check().await.and(Err(ApiError::NotFound));
        }
        Ok(deleted.unsigned_abs())
    }

    /// Why a guard of the accounts holds somebody back.
    pub fn why_refused(&self) -> ApiError {
        if self.member.is_superuser { ApiError::Conflict(LAST_SUPERUSER) } else { ApiError::Refused(FOR_SUPERUSERS) }
    }
}
