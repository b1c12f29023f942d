//! A model of what the database holds, and of what its records should say.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Map, Value, json};

use super::read;
use crate::support::{Client, Reply, TestApp, lists};

const SEED: u64 = 12;
pub const DOCTORS: usize = 4;

/// Somebody with a login.
pub struct Caller {
    pub client: Client,
    pub name: &'static str,
    pub user: i64,
    pub session: i64,
}

/// What the database holds, and what its records should say.
pub struct Model {
    random: StdRng,
    pub callers: Vec<Caller>,
    /// The owner and the fields of each patient.
    pub patients: BTreeMap<i64, (i64, Map<String, Value>)>,
    /// The owner, the patient and the doctor of each mapping.
    pub mappings: BTreeMap<i64, (i64, i64, usize)>,
    pub reads: Vec<Value>,
    pub changes: Vec<Value>,
    pub requests: usize,
}

impl Model {
    pub async fn new(app: &TestApp) -> Self {
        let (alice, bob) = (app.user("alice").await, app.user("bob").await);
        let (reader, writer) = (app.script(&alice, true).await, app.script(&bob, false).await);
        // more than come at once
        lists::patients(app, 60).await;
        app.sql(&format!(
            "insert into doctors (first_name, last_name, specialty, phone_number) \
             select 'First', 'Last', 'Cardiology', '' from generate_series(1, {DOCTORS})"
        ))
        .await;
        let columns = "first_name, last_name, date_of_birth, gender, address, phone_number, email, medical_history";
        let rows = app.value(&format!("select jsonb_agg(p) from (select {columns} from patients order by id) p")).await;
        let rows = rows.as_array().unwrap().iter().map(|row| (1, row.as_object().unwrap().clone()));
        let caller = |client, name, user, session| Caller { client, name, user, session };
        Self {
            random: StdRng::seed_from_u64(SEED),
            callers: vec![
                caller(alice, "alice", 1, 1),
                caller(bob, "bob", 2, 2),
                caller(reader, "alice", 1, 3),
                caller(writer, "bob", 2, 4),
            ],
            patients: (1..).zip(rows).collect(),
            mappings: BTreeMap::new(),
            reads: Vec::new(),
            changes: Vec::new(),
            requests: 0,
        }
    }

    pub fn random(&mut self, count: usize) -> usize {
        self.random.random_range(0..count)
    }

    pub fn gender(&mut self) -> &'static str {
        ["M", "F", "O"][self.random(3)]
    }

    /// The number of a row of the caller's, or of anybody's, or of none.
    fn one_of(&mut self, own: &[i64], all: &[i64]) -> i64 {
        let rows = if self.random(3) == 0 { all } else { own };
        let index = self.random(rows.len() + 2);
        rows.get(index).copied().unwrap_or(9999)
    }

    pub fn patient(&mut self, caller: usize) -> i64 {
        let all: Vec<i64> = self.patients.keys().copied().collect();
        let own = self.own(caller, |_| true);
        self.one_of(&own, &all)
    }

    pub fn mapping(&mut self, caller: usize) -> i64 {
        let all: Vec<i64> = self.mappings.keys().copied().collect();
        let own: Vec<i64> = self.mappings(caller, None).iter().map(|(id, _)| *id).collect();
        self.one_of(&own, &all)
    }

    pub fn is_owner(&self, caller: usize, patient: i64) -> bool {
        self.patients.get(&patient).is_some_and(|(owner, _)| *owner == self.callers[caller].user)
    }

    /// The caller's own patients that are of this kind.
    pub fn own(&self, caller: usize, is_wanted: impl Fn(&Map<String, Value>) -> bool) -> Vec<i64> {
        let own = self.patients.iter().filter(|(id, (_, fields))| self.is_owner(caller, **id) && is_wanted(fields));
        own.map(|(id, _)| *id).collect()
    }

    /// The mappings of the caller, or of one patient.
    pub fn mappings(&self, caller: usize, of: Option<i64>) -> Vec<(i64, i64)> {
        let user = self.callers[caller].user;
        let own = self
            .mappings
            .iter()
            .filter(|(_, (owner, patient, _))| *owner == user && of.is_none_or(|of| of == *patient));
        own.map(|(id, (_, patient, _))| (*id, *patient)).collect()
    }

    pub async fn send(
        &mut self,
        caller: usize,
        method: &str,
        path: &str,
        body: Option<&Value>,
        header: (&str, &str),
    ) -> Reply {
        self.requests += 1;
        let request = self.callers[caller].client.request(method, path);
        let request = if header.0.is_empty() { request } else { request.header(header.0, header.1) };
        Reply::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub async fn get(&mut self, caller: usize, path: &str) -> Reply {
        self.send(caller, "GET", path, None, ("", "")).await
    }

    pub fn was_read(&mut self, caller: usize, reply: &Reply, patients: &[i64], mappings: &[i64]) {
        let Caller { name, session, .. } = &self.callers[caller];
        self.reads.push(read(name, *session, reply, json!(patients), json!(mappings)));
    }

    pub fn was_changed(&mut self, caller: usize, reply: &Reply, table: &str, row: i64, action: &str, new: Value) {
        let Caller { name, session, .. } = &self.callers[caller];
        let request = reply.header("x-request-id");
        self.changes.push(json!([format!("{name}@example.com"), session, request, table, row, action, new]));
    }
}
