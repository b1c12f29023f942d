//! What clients ask for, and whether an answer is the right one.

use std::{
    cell::Cell,
    io::{Error, Write},
    net::SocketAddr,
};

use anyhow::{Context, Result, ensure};
use healthcare_backend::auth::TokenType;
use rand::random_range;
use serde_json::{Value, from_slice, json};

use crate::{
    client::{Answer, Connection, header},
    load::{DELETABLE, Load, PASSWORD, Patient},
    operations::Operation,
};

/// A prime number, so that multiples of it reach every row before they meet one again.
const STRIDE: u64 = 7919;

/// The requests of one operation.
pub(crate) struct Requests<'a> {
    operation: Operation,
    load: &'a Load,
    /// The pages of the user who has many patients.
    pages: Vec<String>,
    /// How many requests were for a row that only one request may name.
    taken: Cell<u64>,
}

/// What was asked for.
pub(crate) struct Asked {
    operation: Operation,
    user: u64,
    /// Of the row that was asked for, or 0.
    id: u64,
}

impl<'a> Requests<'a> {
    pub(crate) async fn new(operation: Operation, load: &'a Load, address: SocketAddr) -> Result<Self> {
        let pages = if operation == Operation::Page { pages(load, address).await? } else { Vec::new() };
        Ok(Self { operation, load, pages, taken: Cell::new(0) })
    }

    /// Writes the next request. None: there is nothing left to delete.
    pub(crate) fn next(&self, to: &mut Vec<u8>) -> Result<Option<Asked>> {
        if self.operation == Operation::Delete && self.taken.get() >= self.load.deletable.get() {
            return Ok(None);
        }
        to.clear();
        let operation = pick(self.operation);
        let patient = self.load.patient(random_range(0..self.load.users * self.load.each));
        self.write(operation, patient, to).map(Some)
    }

    fn write(&self, operation: Operation, patient: Patient, to: &mut Vec<u8>) -> Result<Asked> {
        let Patient { id, owner } = patient;
        let path = format!("/api/patients/{id}/");
        let asked = |user, id| Asked { operation, user, id };
        match operation {
            Operation::Doctor => {
                let id = random_range(1..=self.load.doctors);
                self.bare(to, "GET", &format!("/api/doctors/{id}/"), owner)?;
                return Ok(asked(owner, id));
            }
            Operation::ByPatient => self.bare(to, "GET", &format!("/api/mappings/by-patient/{id}/"), owner)?,
            Operation::List => self.bare(to, "GET", "/api/patients/", owner)?,
            Operation::Page | Operation::LongList => {
                let owner = self.load.owner_of_many();
                let page = self.pages.get(random_range(0..self.pages.len().max(1)));
                self.bare(to, "GET", page.map_or("/api/patients/", String::as_str), owner)?;
                return Ok(asked(owner, 0));
            }
            Operation::Post => self.with_body(to, "POST", "/api/patients/", owner, &some_patient(id))?,
            Operation::Put => self.with_body(to, "PUT", &path, owner, &some_patient(id))?,
            Operation::Patch => self.with_body(to, "PATCH", &path, owner, &json!({"phone_number": some_phone()}))?,
            Operation::Delete => {
                let row = self.take();
                let (id, owner) = (DELETABLE + row, row % self.load.users + 1);
                self.bare(to, "DELETE", &format!("/api/patients/{id}/"), owner)?;
                return Ok(asked(owner, id));
            }
            Operation::PostMapping => {
                let (patient, body) = self.some_mapping();
                self.with_body(to, "POST", "/api/mappings/", patient.owner, &body)?;
                return Ok(asked(patient.owner, patient.id));
            }
            Operation::Login => {
                let body = json!({"email": email(owner), "password": PASSWORD});
                self.with_body(to, "POST", "/api/auth/login/", owner, &body)?;
            }
            Operation::Get | Operation::GetDuringLogins | Operation::Mix => self.bare(to, "GET", &path, owner)?,
        }
        Ok(asked(owner, id))
    }

    /// A patient, and a doctor whom it does not have yet.
    fn some_mapping(&self) -> (Patient, Value) {
        let (taken, places) = (self.take(), self.load.users * self.load.each);
        let place = taken * STRIDE % places;
        let patient = self.load.patient(place);
        let doctor = (patient.id + 1 + taken / places) % self.load.doctors + 1;
        (patient, json!({"patient": patient.id, "doctor": doctor}))
    }

    fn take(&self) -> u64 {
        self.taken.replace(self.taken.get() + 1)
    }

    fn bare(&self, to: &mut Vec<u8>, method: &str, path: &str, user: u64) -> Result<(), Error> {
        let access = self.load.access(user);
        write!(to, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {access}\r\n\r\n")
    }

    fn with_body(&self, to: &mut Vec<u8>, method: &str, path: &str, user: u64, body: &Value) -> Result<(), Error> {
        let (access, body) = (self.load.access(user), body.to_string());
        write!(
            to,
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {access}\r\n\
            content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Looks at the status of an answer, and now and then at whose it is.
    pub(crate) fn check(&self, asked: &Asked, answer: &Answer<'_>) -> Result<()> {
        let expected = match asked.operation {
            Operation::Post | Operation::PostMapping => 201,
            Operation::Delete => 204,
            _ => 200,
        };
        let is_right = answer.status == expected
            && (random_range(0..self.load.look_every) > 0 || self.is_owners(asked, answer.body).unwrap_or(false));
        ensure!(
            is_right,
            "a wrong answer to {:?} of {}, {}: {}\n{}",
            asked.operation,
            email(asked.user),
            asked.id,
            answer.head,
            String::from_utf8_lossy(answer.body)
        );
        Ok(())
    }

    /// Whether a body is what its user asked for. None: it is something else altogether.
    fn is_owners(&self, asked: &Asked, body: &[u8]) -> Option<bool> {
        if asked.operation == Operation::Delete {
            return Some(body.is_empty());
        }
        let body: Value = from_slice(body).ok()?;
        let is_id = |value: &Value, name| value[name].as_u64() == Some(asked.id);
        let is_own = |value: &Value| value["created_by"].as_str() == Some(&email(asked.user));
        let all_are_own = |count| body.as_array().is_some_and(|rows| rows.len() >= count && rows.iter().all(is_own));
        Some(match asked.operation {
            Operation::Doctor => is_id(&body, "id"),
            Operation::ByPatient => {
                let rows = body.as_array()?;
                !rows.is_empty() && rows.iter().all(|row| is_id(row, "patient"))
            }
            Operation::PostMapping => is_id(&body, "patient"),
            Operation::List => all_are_own(usize::try_from(self.load.each).ok()?),
            Operation::Page => all_are_own(100),
            Operation::LongList => all_are_own(usize::try_from(self.load.many()).ok()?),
            Operation::Post => is_own(&body),
            Operation::Login => {
                let token = self.load.tokens.verify(body.get("access")?.as_str()?, TokenType::Access).ok()?;
                token.user_id.cast_unsigned() == asked.user
            }
            _ => is_id(&body, "id") && is_own(&body),
        })
    }
}

/// The operation itself, or one of a mix by chance.
fn pick(operation: Operation) -> Operation {
    let mut chance = random_range(0..1000);
    for (part, thousandths) in operation.parts() {
        if chance < *thousandths {
            return *part;
        }
        chance -= thousandths;
    }
    operation
}

/// The paths of all pages of the user who has many patients.
async fn pages(load: &Load, address: SocketAddr) -> Result<Vec<String>> {
    let mut connection = Connection::open(address).await?;
    let mut pages = vec!["/api/patients/?limit=100".to_owned()];
    let access = load.access(load.owner_of_many());
    loop {
        let last = pages.last().context("no page")?;
        let request = format!("GET {last} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {access}\r\n\r\n");
        let answer = connection.exchange(request.as_bytes()).await?;
        ensure!(answer.status == 200, "a page: {}", answer.head);
        let next = header(answer.head, "link").and_then(|link| link.split(['<', '>']).nth(1));
        let Some(next) = next.and_then(|next| next.find("/api/").and_then(|at| next.get(at..))) else {
            return Ok(pages);
        };
        pages.push(next.to_owned());
    }
}

fn email(user: u64) -> String {
    format!("user{user}@example.com")
}

fn some_phone() -> String {
    random_range(1_000_000_000_u64..10_000_000_000).to_string()
}

/// A whole patient as `load.sql` makes it, of whom three fields are by chance.
fn some_patient(id: u64) -> Value {
    let number = random_range(0..1_000_000);
    json!({
        "first_name": "John", "last_name": format!("Doe {id}"), "date_of_birth": "1990-01-01", "gender": "M",
        "address": format!("{number} Health St"), "phone_number": some_phone(),
        "email": format!("patient{id}@example.com"),
        "medical_history": format!("No major issues, as of visit {number}"),
    })
}
