//! The whole audit, for the operator: changes, events and reads, in the order of their times.

use chrono::{DateTime, Utc};

use super::Db;
use crate::{auth::Operator, error::Result};

/// How many records are read at once: each may hold two medical histories.
const BATCH: i64 = 100;

/// Where an export stands: behind these rows.
pub struct Place {
    /// The last change or event.
    change: (DateTime<Utc>, i64),
    /// The last read.
    read: (DateTime<Utc>, i64),
}

impl Place {
    /// Before all that is of this time.
    pub fn at(since: DateTime<Utc>) -> Self {
        Self { change: (since, 0), read: (since, 0) }
    }
}

impl Db {
    /// The next records before `until`, if it is given, each as JSON; none at the end.
    pub async fn audit_records(
        &self,
        _: &Operator,
        place: &mut Place,
        until: Option<DateTime<Utc>>,
    ) -> Result<Vec<String>> {
        let records = sqlx::query!(
            r#"
            select r.at as "at!", r.id as "id!", r.is_read as "is_read!", r.record::text as "record!"
            from (
                (select a.at, a.id, false as is_read,
                    jsonb_build_object('record', case a.action when 'EVENT' then 'event' else 'change' end)
                        || to_jsonb(a) as record
                from audit_log a
                where (a.at, a.id) > ($1, $2) and a.at < coalesce($5, timestamptz 'infinity')
                order by a.at, a.id
                limit $6)
                union all
                (select a.at, a.id, true, jsonb_build_object('record', 'read') || to_jsonb(a)
                from access_log a
                where (a.at, a.id) > ($3, $4) and a.at < coalesce($5, timestamptz 'infinity')
                order by a.at, a.id
                limit $6)) r
            order by r.at, r.is_read, r.id
            limit $6
            "#,
            place.change.0,
            place.change.1,
            place.read.0,
            place.read.1,
            until,
            BATCH
        );
        let records = records.fetch_all(self.reading_connection()).await?;
        for record in &records {
            let last = if record.is_read { &mut place.read } else { &mut place.change };
            *last = (record.at, record.id);
        }
        Ok(records.into_iter().map(|record| record.record).collect())
    }
}
