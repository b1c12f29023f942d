//! A thousand random requests leave exactly the records that a model predicts.

use serde_json::{Value, json};

use super::{
    model::{DOCTORS, Model},
    recorded,
};
use crate::support::{PATIENTS, Reply, TestApp, john_doe, lists, with};

const REQUESTS: usize = 1000;
/// Of a list that is asked for whole.
const BATCH: usize = 200;

impl Model {
    /// One patient, in one of the ways to read it.
    async fn one(&mut self, caller: usize) {
        let id = self.patient(caller);
        let method = ["GET", "HEAD"][self.random(2)];
        let known = if self.random(3) == 0 { ("if-none-match", "*") } else { ("", "") };
        let reply = self.send(caller, method, &format!("{PATIENTS}{id}/"), None, known).await;
        if self.is_owner(caller, id) {
            let reply = reply.is(if known.0.is_empty() { 200 } else { 304 });
            self.was_read(caller, &reply, &[id], &[]);
        } else {
            reply.is(404);
        }
    }

    async fn whole_list(&mut self, caller: usize) {
        let gender = Some(self.gender()).filter(|_| self.random(2) == 0);
        let filter = gender.map_or(String::new(), |gender| format!("?gender={gender}"));
        let reply = self.get(caller, &format!("{PATIENTS}{filter}")).await.is(200);
        let shown = self.own(caller, |fields| gender.is_none_or(|gender| fields["gender"] == gender));
        assert_eq!(lists::ids(&reply), shown);
        for batch in shown.chunks(BATCH) {
            self.was_read(caller, &reply, batch, &[]);
        }
    }

    /// A page, and the next one if there is one.
    async fn pages(&mut self, caller: usize) {
        let limit = 1 + self.random(20);
        let mut shown = self.own(caller, |_| true);
        shown.reverse();
        let mut path = Some(format!("{PATIENTS}?ordering=-id&limit={limit}"));
        for page in shown.chunks(limit).take(2) {
            let reply = self.get(caller, &path.unwrap()).await.is(200);
            self.was_read(caller, &reply, page, &[]);
            path = lists::next(&reply);
        }
    }

    async fn mappings_of(&mut self, caller: usize) {
        let id = self.patient(caller);
        let has_rows = self.random(2) == 0;
        let path = if has_rows { format!("/api/mappings/by-patient/{id}/") } else { format!("/api/mappings/{id}/") };
        let reply = self.get(caller, &path).await;
        if self.is_owner(caller, id) {
            let rows = self.mappings(caller, Some(id));
            let rows: Vec<i64> = rows.iter().map(|(id, _)| *id).filter(|_| has_rows).collect();
            self.was_read(caller, &reply.is(200), &[id], &rows);
        } else {
            reply.is(404);
        }
    }

    async fn all_mappings(&mut self, caller: usize) {
        let reply = self.get(caller, "/api/mappings/").await.is(200);
        for batch in self.mappings(caller, None).chunks(BATCH) {
            let mut patients = Vec::new();
            for (_, patient) in batch {
                if !patients.contains(patient) {
                    patients.push(*patient);
                }
            }
            let rows: Vec<i64> = batch.iter().map(|(id, _)| *id).collect();
            self.was_read(caller, &reply, &patients, &rows);
        }
    }

    /// What a request that would write gets if its token may only read.
    fn is_refused(&self, caller: usize, reply: &Reply) -> bool {
        let is_reader = self.callers[caller].session == 3;
        assert_eq!(is_reader, reply.status == 403, "{}", reply.text);
        is_reader
    }

    /// A new patient, made once or, with a key, asked for twice.
    async fn create(&mut self, caller: usize) {
        let key = self.requests.to_string();
        let header = if self.random(2) == 0 { ("idempotency-key", key.as_str()) } else { ("", "") };
        let body = with(john_doe(), json!({ "gender": self.gender() }));
        let reply = self.send(caller, "POST", PATIENTS, Some(&body), header).await;
        if self.is_refused(caller, &reply) {
            return;
        }
        let id = reply.body["id"].as_i64().unwrap();
        let owner = self.callers[caller].user;
        self.patients.insert(id, (owner, body.as_object().unwrap().clone()));
        self.was_changed(caller, &reply.is(201), "patients", id, "INSERT", json!(null));
        if !header.0.is_empty() {
            let again = self.send(caller, "POST", PATIENTS, Some(&body), header).await.is(201);
            assert_eq!(again.body["id"], id);
            self.was_read(caller, &again, &[id], &[]);
        }
    }

    /// A change of everything, of something, or of nothing.
    async fn change(&mut self, caller: usize) {
        let id = self.patient(caller);
        let gender = json!({ "gender": self.gender() });
        let (method, body) = match self.random(4) {
            0 => ("PUT", with(john_doe(), gender)),
            1 => ("PATCH", json!({})),
            2 => ("PATCH", json!({"gender": "X"})),
            _ => ("PATCH", gender),
        };
        let reply = self.send(caller, method, &format!("{PATIENTS}{id}/"), Some(&body), ("", "")).await;
        if !self.is_owner(caller, id) {
            let is_reader = self.callers[caller].session == 3;
            assert!(reply.status == 404 || is_reader && reply.status == 403, "{}", reply.text);
            return;
        }
        if self.is_refused(caller, &reply) {
            return;
        }
        if body["gender"] == "X" {
            reply.is(400);
            return;
        }
        let mut changed = body.as_object().unwrap().clone();
        let fields = &mut self.patients.get_mut(&id).unwrap().1;
        changed.retain(|field, value| fields[field] != *value);
        fields.extend(changed.clone());
        let reply = reply.is(200);
        if changed.is_empty() {
            self.was_read(caller, &reply, &[id], &[]);
        } else {
            self.was_changed(caller, &reply, "patients", id, "UPDATE", json!(changed));
        }
    }

    async fn delete(&mut self, caller: usize) {
        let id = self.patient(caller);
        let reply = self.send(caller, "DELETE", &format!("{PATIENTS}{id}/"), None, ("", "")).await;
        if !self.is_owner(caller, id) || self.is_refused(caller, &reply) {
            assert!(reply.status == 404 || reply.status == 403, "{}", reply.text);
            return;
        }
        let reply = reply.is(204);
        self.patients.remove(&id);
        self.was_changed(caller, &reply, "patients", id, "DELETE", json!(null));
        for (mapping, _) in self.mappings(caller, Some(id)) {
            self.mappings.remove(&mapping);
            self.was_changed(caller, &reply, "patient_doctor_mappings", mapping, "DELETE", json!(null));
        }
    }

    async fn assign(&mut self, caller: usize) {
        let patient = self.patient(caller);
        let doctor = 1 + self.random(DOCTORS);
        let body = json!({"patient": patient, "doctor": doctor});
        let reply = self.send(caller, "POST", "/api/mappings/", Some(&body), ("", "")).await;
        let is_taken = self.mappings.values().any(|mapping| (mapping.1, mapping.2) == (patient, doctor));
        if !self.is_owner(caller, patient) || is_taken {
            assert!(reply.status == 400 || reply.status == 403, "{}", reply.text);
        } else if !self.is_refused(caller, &reply) {
            let reply = reply.is(201);
            let id = reply.body["id"].as_i64().unwrap();
            self.mappings.insert(id, (self.callers[caller].user, patient, doctor));
            self.was_changed(caller, &reply, "patient_doctor_mappings", id, "INSERT", json!(null));
        }
    }

    async fn unassign(&mut self, caller: usize) {
        let id = self.mapping(caller);
        let reply = self.send(caller, "DELETE", &format!("/api/mappings/{id}/"), None, ("", "")).await;
        let user = self.callers[caller].user;
        if self.mappings.get(&id).is_none_or(|(owner, ..)| *owner != user) {
            assert!(reply.status == 404 || reply.status == 403, "{}", reply.text);
        } else if !self.is_refused(caller, &reply) {
            self.mappings.remove(&id);
            self.was_changed(caller, &reply.is(204), "patient_doctor_mappings", id, "DELETE", json!(null));
        }
    }

    async fn request(&mut self) {
        let caller = self.random(self.callers.len());
        match self.random(16) {
            0..3 => self.one(caller).await,
            3 => self.whole_list(caller).await,
            4 => self.pages(caller).await,
            5..7 => self.mappings_of(caller).await,
            7 => self.all_mappings(caller).await,
            8..10 => self.create(caller).await,
            10..12 => self.change(caller).await,
            12 => self.delete(caller).await,
            13..15 => self.assign(caller).await,
            _ => self.unassign(caller).await,
        }
    }
}

/// The same rows, and in the same order; says which is the first that is not.
fn are_the_same(actual: &Value, expected: &[Value]) {
    let actual = actual.as_array().unwrap();
    for (number, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(actual, expected, "row {number}");
    }
    assert_eq!(actual.len(), expected.len());
}

#[tokio::test]
async fn a_thousand_random_requests_leave_what_a_model_predicts() {
    let app = TestApp::start().await;
    let mut model = Model::new(&app).await;
    let begin = app.value("select max(id) from audit_log").await;
    while model.requests < REQUESTS {
        model.request().await;
    }
    let counts = (model.reads.len(), model.changes.len(), model.mappings.len());
    assert!(counts.0 > 400 && counts.1 > 200 && counts.2 > 20, "{counts:?}");
    are_the_same(&recorded(&app, model.reads.len()).await, &model.reads);
    let changes = format!(
        "select jsonb_agg(jsonb_build_array(actor_email, session_id, request_id, table_name, row_id, action, \
             case when action = 'UPDATE' then new_values end) order by id) from audit_log where id > {begin}"
    );
    are_the_same(&app.value(&changes).await, &model.changes);
}
