//! Writes the records of reads in the background, many at once, and the times when API tokens were used.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{Notify, mpsc::UnboundedReceiver},
    time::{sleep, timeout},
};

use super::{
    Db, STATEMENT,
    connection::Connection,
    connections::Connections,
    reads::{Read, Waiting},
};
use crate::error::Result;

/// How long records are gathered: part of the second within which they are written.
const GATHER: Duration = Duration::from_millis(250);
/// The most that one statement writes, which takes tens of milliseconds.
const ROWS: usize = 1000;
/// The same in numbers of patients and mappings.
const IDS: usize = 20_000;
/// The longest time between two attempts.
const RETRY: Duration = Duration::from_secs(1);

/// Takes the records that wait, and writes them.
pub(super) struct Recorder {
    pub(super) connections: Arc<Connections>,
    pub(super) waiting: UnboundedReceiver<Waiting>,
    /// How many records were dropped and not yet reported.
    pub(super) dropped: Arc<AtomicUsize>,
    /// Tells it not to gather.
    pub(super) hurry: Arc<Notify>,
}

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    at: Vec<DateTime<Utc>>,
    actor_ids: Vec<i64>,
    session_ids: Vec<i64>,
    vias: Vec<String>,
    request_ids: Vec<String>,
    addresses: Vec<String>,
    patient_ids: Vec<String>,
    mapping_ids: Vec<String>,
}

impl<'a> FromIterator<&'a Read> for Columns {
    fn from_iter<I: IntoIterator<Item = &'a Read>>(reads: I) -> Self {
        let mut columns = Self::default();
        for read in reads {
            columns.at.push(read.at);
            columns.actor_ids.push(read.reader.user_id);
            columns.session_ids.push(read.reader.session_id);
            columns.vias.push(read.reader.via.as_str().to_owned());
            columns.request_ids.push(read.reader.origin.id.as_str().to_owned());
            columns.addresses.push(read.reader.origin.address.to_string());
            columns.patient_ids.push(array(&read.patient_ids));
            columns.mapping_ids.push(array(&read.mapping_ids));
        }
        columns
    }
}

/// Numbers as PostgreSQL writes an array, because an array has no arrays of different lengths.
fn array(ids: &[i64]) -> String {
    let mut text = String::from("{");
    for id in ids {
        let comma = if text.len() > 1 { "," } else { "" };
        // a String takes everything
        let _ = write!(text, "{comma}{id}");
    }
    text + "}"
}

impl Recorder {
    /// Goes on until nobody can record any more.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            if self.waiting.len() < ROWS {
                let _ = timeout(GATHER, self.hurry.notified()).await;
            }
            let mut ids = first.0.ids();
            let mut batch = vec![first];
            while batch.len() < ROWS
                && ids < IDS
                && let Ok(next) = self.waiting.try_recv()
            {
                ids += next.0.ids();
                batch.push(next);
            }
            self.write(&batch).await;
        }
    }

    /// Writes a batch, as often as it takes.
    async fn write(&self, batch: &[Waiting]) {
        let (records, uses): (Vec<&Read>, Vec<&Read>) = (
            batch.iter().map(|(read, _)| read).filter(|read| !read.patient_ids.is_empty()).collect(),
            batch.iter().map(|(read, _)| read).filter(|read| read.reader.is_script).collect(),
        );
        let columns: Columns = records.into_iter().collect();
        let (mut ids, mut pause, mut is_told) = (None, RETRY / 16, false);
        while let Err(error) = self.insert(&columns, &mut ids).await {
            if !is_told {
                tracing::warn!("records of reads wait: {error}");
                is_told = true;
            }
            self.report_dropped();
            sleep(pause).await;
            pause = (pause * 2).min(RETRY);
        }
        self.report_dropped();
        // a later use says it again
        if let Err(error) = self.tokens_used(&uses.into_iter().collect()).await {
            tracing::warn!("the last use of API tokens: {error}");
        }
    }

    fn connection(&self) -> Connection<'_> {
        Connection { connections: &self.connections, limit: STATEMENT, only_reads: false }
    }

    fn report_dropped(&self) {
        match self.dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            count => tracing::error!("{count} records of reads are lost: too many waited for the database"),
        }
    }

    /// Inserts a batch. An attempt that seemed to fail may have succeeded, so each has the ids of the first.
    async fn insert(&self, columns: &Columns, ids: &mut Option<Vec<i64>>) -> Result<()> {
        let (Some(earliest), Some(latest)) = (columns.at.iter().min(), columns.at.iter().max()) else { return Ok(()) };
        let new_ids = sqlx::query_scalar!(
            r#"
            select nextval('access_log_id_seq') as "id!"
            from make_access_months($2, $3::timestamptz + interval '1 month'), generate_series(1, $1)
            "#,
            i32::try_from(columns.at.len()).unwrap_or(i32::MAX),
            earliest,
            latest
        );
        let new_ids = new_ids.fetch_all(self.connection()).await?;
        sqlx::query!(
            r#"
            insert into access_log (
                id, at, actor_id, actor_email, session_id, via, request_id, address, patient_ids, mapping_ids)
            select r.id, r.at, r.actor_id,
                -- the account may have been deleted since
                coalesce(
                    u.email,
                    (select a.old_values ->> 'email'
                    from audit_log a
                    where a.table_name = 'users' and a.row_id = r.actor_id and a.action = 'DELETE'
                    order by a.id desc
                    limit 1),
                    ''),
                r.session_id, r.via, r.request_id, r.address, r.patient_ids::bigint[], r.mapping_ids::bigint[]
            from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
                r (id, at, actor_id, session_id, request_id, address, patient_ids, mapping_ids, via)
            left join users u on u.id = r.actor_id
            on conflict (at, id) do nothing
            "#,
            &ids.get_or_insert(new_ids)[..],
            &columns.at,
            &columns.actor_ids,
            &columns.session_ids,
            &columns.request_ids,
            &columns.addresses,
            &columns.patient_ids,
            &columns.mapping_ids,
            &columns.vias
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes when API tokens were last used, to the minute.
    async fn tokens_used(&self, uses: &Columns) -> Result<()> {
        if uses.at.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"
            with actor as materialized (select act_as(0, 'system', 'system', '') as acts),
            uses as (
                select id, max(at) as at
                from unnest($1::bigint[], $2::timestamptz[]) u (id, at)
                group by id)
            update sessions s
            set last_used_at = uses.at
            from uses, actor
            where s.id = uses.id and s.token_hash is not null
                and (s.last_used_at = s.created_at or s.last_used_at < uses.at - interval '1 minute')
            "#,
            &uses.session_ids,
            &uses.at
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Db {
    /// Drops the records of the months that ended so long ago, and returns the names of their tables.
    pub async fn drop_old_reads(&self, retention: Duration) -> Result<Vec<String>> {
        let dropped = sqlx::query_scalar!(
            r#"select name as "name!" from drop_access_months(make_interval(secs => $1)) name"#,
            retention.as_secs_f64()
        );
        Ok(dropped.fetch_all(self.connection()).await?)
    }
}
