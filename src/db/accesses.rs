//! Who read which patients: of one patient for its owner, and all of it for staff.

use chrono::{DateTime, Utc};

use super::{
    Db,
    listing::{Column, Kind, Listed},
};
use crate::{auth::CurrentUser, error::Result};

/// A request that showed one patient, maybe among others.
#[derive(sqlx::FromRow)]
pub struct Access {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// The e-mail of whoever read it, as it was then.
    pub actor: String,
    pub via: String,
    pub address: Option<String>,
    pub request_id: String,
    pub scope: AccessScope,
}

/// What was shown: the patient alone, a list that it was in, or a list of mappings.
#[derive(Debug, Clone, Copy, serde::Serialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AccessScope {
    Patient,
    List,
    Mappings,
}

impl Listed for Access {
    type Row<'r> = Self;

    const SELECT: &'static str = "r.id, r.at, r.actor_email as actor, r.via, r.address, r.request_id, \
        case when r.mapping_ids <> '{}' then 'mappings' when cardinality(r.patient_ids) = 1 then 'patient' else 'list' end \
            as scope";
    // `offset 0`: its reads are found before they are ordered, because PostgreSQL would rather look at all reads in their order
    const FROM: &'static str = "from (select id, at, actor_email, via, address, request_id, patient_ids, mapping_ids \
        from access_log where patient_ids @> array[(select id from parent)] offset 0) r \
        where (select owner_of_patient(id) from parent) = (select id from actor)";
    const ID: &'static str = "r.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = true;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("at", "r.at", Kind::Time),
        Column::filtered("actor", "lower(r.actor_email)", Kind::Email),
        Column::filtered("via", "r.via", Kind::Text),
        Column::filtered("address", "r.address", Kind::Text),
        Column::filtered("request_id", "r.request_id", Kind::Text),
    ];
    const ORDERING: &'static str = "-at";

    async fn check(db: &Db, user: &CurrentUser, patient: Option<i64>) -> Result<()> {
        db.check_past(user, patient).await
    }
}

/// A request that showed patients or mappings.
#[derive(sqlx::FromRow)]
pub struct Read {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor_id: i64,
    /// The e-mail of whoever read them, as it was then.
    pub actor: String,
    pub via: String,
    pub address: Option<String>,
    pub session: Option<i64>,
    pub request_id: String,
    /// The numbers of what was shown, in its order.
    pub patients: Vec<i64>,
    pub mappings: Vec<i64>,
}

impl Listed for Read {
    type Row<'r> = Self;

    const SELECT: &'static str = "r.id, r.at, r.actor_id, r.actor_email as actor, r.via, r.address, \
        r.session_id as session, r.request_id, r.patient_ids as patients, r.mapping_ids as mappings";
    const FROM: &'static str = "from access_log r where (select is_staff from actor)";
    const ID: &'static str = "r.id";
    const SEARCH: Option<&'static str> = None;
    const IS_OWNED: bool = false;
    const COLUMNS: &'static [Column] = &[
        Column::ordered("at", "r.at", Kind::Time),
        Column::filtered("actor_id", "r.actor_id", Kind::Id),
        Column::filtered("actor", "lower(r.actor_email)", Kind::Email),
        Column::filtered("via", "r.via", Kind::Text),
        Column::filtered("address", "r.address", Kind::Text),
        Column::filtered("session", "r.session_id", Kind::Id),
        Column::filtered("request_id", "r.request_id", Kind::Text),
        Column::filtered("patient", "r.patient_ids", Kind::Ids),
    ];
    const ORDERING: &'static str = "-at";

    async fn check(db: &Db, user: &CurrentUser, _: Option<i64>) -> Result<()> {
        db.check_staff(user).await
    }
}
