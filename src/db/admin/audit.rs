//! All changes and accesses, for staff: who, when, from where, and the values before and after.
//!
//! What an index finds is found at once. What no index finds is looked for among so many rows at a time; the next page looks
//! further.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{Admin, TABLES, list::begin};
use crate::{
    db::{Subject, audit::AuditAction, reads::Read},
    error::Result,
};

/// How many rows are looked at where no index finds them.
const LOOKED_AT: i64 = 2000;

/// Where an entry stands: its time and its number.
pub type Place = (DateTime<Utc>, i64);

/// What is asked of an audit.
#[derive(Clone, Default)]
pub struct AuditRequest {
    /// An e-mail, in any case of letters.
    pub who: Option<String>,
    pub actor_id: Option<i64>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub via: Option<String>,
    /// Of changes: what was done, as the database has it: INSERT, UPDATE, DELETE, or EVENT.
    pub action: Option<String>,
    /// Of changes: in this table of the database.
    pub table: Option<&'static str>,
    /// Of changes: of this row of the table. Of a patient also its doctors, of a doctor its patients, of a user its logins.
    pub row: Option<i64>,
    /// Of accesses: to this patient.
    pub patient: Option<i64>,
    /// Where the page begins: behind this entry.
    pub after: Option<Place>,
    pub limit: i64,
}

/// A page of an audit.
pub struct AuditPage<T> {
    pub entries: Vec<T>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Place>,
    /// Whether the page has all that there is up to `next`, and is short because it is rare.
    pub is_cut: bool,
}

impl<T> AuditPage<T> {
    /// Nothing.
    pub const EMPTY: Self = Self { entries: Vec::new(), next: None, is_cut: false };
}

/// A change, or an event without a change.
#[derive(FromRow)]
pub struct Entry {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_id: Option<i64>,
    pub actor: Option<String>,
    pub via: String,
    pub address: Option<String>,
    pub request_id: String,
    pub event: Option<String>,
    pub table_name: String,
    pub row_id: Option<i64>,
    pub action: AuditAction,
    pub old_values: Option<Value>,
    pub new_values: Option<Value>,
    /// What the row is called, if it is still there.
    pub label: Option<String>,
}

/// A request that showed patients.
#[derive(FromRow)]
pub struct Access {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_id: i64,
    pub actor: String,
    pub via: String,
    pub address: Option<String>,
    pub request_id: String,
    /// How many patients it showed.
    pub count: i64,
    /// The first of them: their numbers, and the names of those that are still there.
    pub patients: Value,
}

impl Admin {
    /// A page of the changes, the latest first.
    pub async fn changes(&self, request: &AuditRequest) -> Result<AuditPage<Entry>> {
        let labels = TABLES.map(|table| {
            format!("when '{}' then (select {} from {} where t.id = a.row_id)", table.sql, table.label, table.from)
        });
        let columns = format!(
            "a.id, a.at, a.actor_id, a.actor_email as actor, a.via, a.address, a.request_id, a.event, a.table_name, \
            a.row_id, shown_action(a.action) as action, a.old_values, a.new_values, \
            case a.table_name {} \
                when 'sessions' then (select u.email from sessions s join users u on u.id = s.user_id where s.id = a.row_id) \
            end as label",
            labels.join(" ")
        );
        let page = self.audit::<Entry>("audit_log", &columns, request).await?;
        let subjects = page.entries.iter().map(|entry| {
            let values = entry.new_values.as_ref().or(entry.old_values.as_ref());
            Subject::of(&entry.table_name, entry.row_id, values)
        });
        self.db.reads.record(Read::by_staff(&self.staff, &self.member, subjects.collect::<Vec<_>>())).await?;
        Ok(page)
    }

    /// A page of the accesses, the latest first.
    pub async fn accesses(&self, request: &AuditRequest) -> Result<AuditPage<Access>> {
        let columns = "a.id, a.at, a.actor_id, a.actor_email as actor, a.via, a.address, a.request_id, \
            cardinality(a.patient_ids)::bigint as count, \
            coalesce((select jsonb_agg(jsonb_build_array(s.id, \
                    case when p.id is not null then concat_ws(' ', p.first_name, nullif(p.last_name, '')) end) order by s.n) \
                from unnest(a.patient_ids[1:3]) with ordinality s(id, n) left join patients p on p.id = s.id), '[]') as patients";
        let page = self.audit::<Access>("access_log", columns, request).await?;
        let shown = page.entries.iter().filter_map(|entry| entry.patients.as_array()).flatten();
        let named = shown.filter(|patient| patient.get(1).is_some_and(Value::is_string));
        let subjects = named.filter_map(|patient| patient.get(0)?.as_i64()).map(Subject::Patient).collect::<Vec<_>>();
        self.db.reads.record(Read::by_staff(&self.staff, &self.member, subjects)).await?;
        Ok(page)
    }

    async fn audit<T>(&self, log: &str, columns: &str, request: &AuditRequest) -> Result<AuditPage<T>>
    where
        T: for<'r> FromRow<'r, PgRow> + Placed + Send + Unpin,
    {
        let is_narrowed = request.is_narrowed();
        let mut query = begin(&self.staff);
        query.push(", looked_at as materialized (select a.id, a.at");
        query.push(if log == "audit_log" { ", a.via, a.action, a.table_name" } else { ", a.via" });
        request.push_found(&mut query, log);
        query.push(" limit ").push_bind(if is_narrowed { LOOKED_AT } else { request.limit + 1 });
        query.push("), hits as materialized (select a.id, a.at from looked_at a where true");
        request.push_rest(&mut query);
        query.push(" order by a.at desc, a.id desc limit ").push_bind(request.limit + 1).push(")");
        query.push(format!(
            " select {columns} from hits join {log} a on a.id = hits.id and a.at = hits.at \
            order by hits.at desc, hits.id desc"
        ));
        let mut entries: Vec<T> =
            query.build_query_as().persistent(false).fetch_all(self.db.reading_connection()).await?;
        if entries.is_empty() {
            self.check().await?;
        }
        if i64::try_from(entries.len()).is_ok_and(|count| count > request.limit) {
            entries.pop();
            let next = entries.last().map(Placed::place);
            return Ok(AuditPage { entries, next, is_cut: false });
        }
        let next = if is_narrowed { self.last_looked_at(log, request).await? } else { None };
        Ok(AuditPage { entries, next, is_cut: next.is_some() })
    }

    /// The last of the rows that are looked at, if there are as many.
    async fn last_looked_at(&self, log: &str, request: &AuditRequest) -> Result<Option<Place>> {
        let mut query = begin(&self.staff);
        query.push(" select a.at, a.id");
        request.push_found(&mut query, log);
        query.push(" limit 1 offset ").push_bind(LOOKED_AT - 1);
        let row = query.build().fetch_optional(self.db.reading_connection()).await?;
        Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?)
    }
}

impl AuditRequest {
    /// Whether something is asked for that no index finds.
    fn is_narrowed(&self) -> bool {
        self.via.is_some() || self.action.is_some() || self.table.is_some() && self.row.is_none()
    }

    /// What an index finds, the latest first.
    fn push_found(&self, query: &mut QueryBuilder<Postgres>, log: &str) {
        if self.row.is_some() || self.patient.is_some() {
            query.push(" from (");
            self.push_rare(query);
            query.push(") a where (select true from actor)");
        } else {
            query.push(format!(" from {log} a where (select true from actor)"));
        }
        if let Some(who) = &self.who {
            if log == "audit_log" {
                query.push(" and lower(a.actor_email) = lower(").push_bind(who.clone()).push(")");
            } else {
                // only the account is in an index; one that is gone is known by its last change
                query.push(" and a.actor_id = coalesce((select id from users where lower(email) = lower(");
                query.push_bind(who.clone());
                query.push(")), (select actor_id from audit_log where lower(actor_email) = lower(");
                query.push_bind(who.clone()).push(") order by at desc, id desc limit 1))");
            }
        }
        if let Some(id) = self.actor_id {
            query.push(" and a.actor_id = ").push_bind(id);
        }
        if let Some(from) = self.from {
            query.push(" and a.at >= ").push_bind(from);
        }
        if let Some(to) = self.to {
            query.push(" and a.at < ").push_bind(to);
        }
        if let Some((at, id)) = self.after {
            query.push(" and (a.at, a.id) < (").push_bind(at).push(", ").push_bind(id).push(")");
        }
        query.push(" order by a.at desc, a.id desc");
    }

    /// A row has few entries: they are found before they are ordered, because PostgreSQL would rather look at all entries in
    /// their order.
    fn push_rare(&self, query: &mut QueryBuilder<Postgres>) {
        match (self.table, self.row, self.patient) {
            (Some("patients"), Some(row), _) => {
                query.push(
                    "select * from audit_log where table_name in ('patients', 'patient_doctor_mappings') \
                    and patient_of(table_name, row_id, old_values, new_values) = ",
                );
                query.push_bind(row).push(" offset 0");
            }
            (Some(table), Some(row), _) => {
                query.push("select * from audit_log where table_name = ").push_bind(table);
                query.push(" and row_id = ").push_bind(row);
                if table == "doctors" {
                    query.push(
                        " union all select * from audit_log where table_name = 'patient_doctor_mappings' \
                        and array[old_values ->> 'doctor_id', new_values ->> 'doctor_id'] @> array[",
                    );
                    query.push_bind(row.to_string()).push("]");
                }
                if table == "users" {
                    query.push(
                        " union all select l.* from sessions s \
                        join audit_log l on l.table_name = 'sessions' and l.row_id = s.id where s.user_id = ",
                    );
                    query.push_bind(row);
                }
                query.push(" offset 0");
            }
            (_, _, Some(patient)) => {
                query.push("select * from access_log where patient_ids @> array[").push_bind(patient);
                query.push("] offset 0");
            }
            _ => {}
        }
    }

    /// What is looked for among what was found.
    fn push_rest(&self, query: &mut QueryBuilder<Postgres>) {
        if let Some(via) = &self.via {
            query.push(" and a.via = ").push_bind(via.clone());
        }
        if let Some(action) = &self.action {
            query.push(" and a.action = ").push_bind(action.clone());
        }
        if let (Some(table), None) = (self.table, self.row) {
            query.push(" and a.table_name = ").push_bind(table);
        }
    }
}

/// What stands somewhere in an audit.
trait Placed {
    fn place(&self) -> Place;
}

impl Placed for Entry {
    fn place(&self) -> Place {
        (self.at, self.id)
    }
}

impl Placed for Access {
    fn place(&self) -> Place {
        (self.at, self.id)
    }
}
