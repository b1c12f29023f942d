//! What became of a patient: every change of it, and of the doctors who look after it, also after it was deleted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Row as _, postgres::PgRow, types::Json};

use super::{
    Db, Model, Subject,
    caller::Caller,
    listing::{Column, Kind, Listed},
    patients::Patient,
};
use crate::{auth::CurrentUser, error::Result};

/// A change.
#[derive(sqlx::FromRow)]
pub struct Change {
    pub id: i64,
    pub patient_id: i64,
    pub at: DateTime<Utc>,
    /// The e-mail of whoever changed it, as it was then.
    pub actor: String,
    pub via: String,
    pub address: Option<String>,
    pub request_id: String,
    pub action: ChangeAction,
    /// Field → what it was, and what it is.
    pub changes: Json<BTreeMap<String, [Value; 2]>>,
}

/// What was done to a patient.
#[derive(Debug, Clone, Copy, serde::Serialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChangeAction {
    Created,
    Changed,
    Deleted,
    DoctorAssigned,
    DoctorRemoved,
}

impl Listed for Change {
    type Row<'r> = Self;

    const SELECT: &'static str =
        "h.id, h.patient_id, h.at, h.actor, h.via, h.address, h.request_id, h.action, h.changes";
    const LONG: Option<usize> = Some(8);
    const FROM: &'static str = "from patient_history h where h.patient_id = (select id from parent) \
        and (select owner_of_patient(id) from parent) = (select id from actor)";
    const ID: &'static str = "h.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("id", "h.id", Kind::Id),
        Column::filtered("at", "h.at", Kind::Time),
        Column::filtered("actor", "lower(h.actor)", Kind::Email),
        Column::filtered("via", "h.via", Kind::Text),
        Column::filtered("address", "h.address", Kind::Text),
        Column::filtered("request_id", "h.request_id", Kind::Text),
        Column::filtered(
            "action",
            "h.action",
            Kind::Choice("ChangeAction", &["created", "changed", "deleted", "doctor_assigned", "doctor_removed"]),
        ),
    ];
    const ORDERING: &'static str = "-id";

    fn subject(row: &PgRow) -> sqlx::Result<Subject> {
        Ok(Subject::Patient(row.try_get(1)?))
    }

    async fn check(db: &Db, user: &CurrentUser, patient: Option<i64>) -> Result<()> {
        db.check_past(user, patient).await
    }
}

impl Db {
    /// Checks that a patient is the caller's, or was when it was deleted.
    pub(super) async fn check_past(&self, user: &CurrentUser, patient: Option<i64>) -> Result<()> {
        let owner = sqlx::query_scalar!(
            r#"
            with actor as materialized (select * from actor($1))
            select actor.id as "id!"
            from actor
            where actor.id = owner_of_patient($2)
            "#,
            Caller::of(user) as _,
            patient
        );
        let owner = owner.fetch_optional(self.reading_connection()).await?;
        self.found(user, Patient::NAME, owner).await.map(drop)
    }
}
