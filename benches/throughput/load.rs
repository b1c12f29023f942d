//! The rows that are there before anything is measured.

use std::{
    cell::Cell,
    thread::{self, available_parallelism},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use argon2::{Argon2, PasswordVerifier, password_hash::phc::PasswordHash};
use healthcare_backend::auth::{TokenType, Tokens};
use nix::sys::resource::{UsageWho, getrusage};

use crate::{operations::Operation, server::Server};

/// The password of all users, and its hash.
pub(crate) const PASSWORD: &str = "StrongPass123";
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$4LWij+32ZcDlafT8YLWFpw$/MIfJy9DQaS62RT/kNFA0Vy+2r4+zWdQg7gC6jrJ9as";
/// How often a password is verified, to know the time of one.
const TIMES: u32 = 20;
/// The first of the patients that are there to be deleted.
pub(crate) const DELETABLE: u64 = 10_000_000;
const DAY: Duration = Duration::from_hours(24);

/// How many rows there are, and who may see them. The patients of a user have numbers that follow each other.
pub(crate) struct Load {
    pub(crate) users: u64,
    /// How many patients a user has.
    pub(crate) each: u64,
    pub(crate) doctors: u64,
    /// How many patients are there to be deleted.
    pub(crate) deletable: Cell<u64>,
    /// How many answers there are for each one that is looked at closely.
    pub(crate) look_every: u64,
    pub(crate) tokens: Tokens,
    access: Vec<String>,
}

impl Load {
    /// Fills the database of a server.
    pub(crate) async fn fill(server: &Server, is_small: bool) -> Result<Self> {
        let (users, each, doctors) = if is_small { (50, 100, 50) } else { (1000, 100, 1000) };
        let numbers = [("{users}", users), ("{each}", each), ("{doctors}", doctors)];
        let sql = numbers
            .iter()
            .fold(include_str!("load.sql").to_owned(), |sql, (name, number)| sql.replace(name, &number.to_string()));
        server.sql(&sql.replace("{password_hash}", HASH)).await?;
        for statement in ["vacuum analyze", "checkpoint"] {
            server.sql(statement).await?;
        }
        let tokens = Tokens::new(&server.secret_key()?, &[], DAY, DAY);
        let access = (1..=i64::try_from(users + 1)?).map(|user| tokens.issue(TokenType::Access, user, user)).collect();
        let deletable = Cell::new(0);
        Ok(Self { users, each, doctors, deletable, look_every: if is_small { 1 } else { 100 }, tokens, access })
    }

    /// The user who has many patients.
    pub(crate) fn owner_of_many(&self) -> u64 {
        self.users + 1
    }

    /// How many that is.
    pub(crate) fn many(&self) -> u64 {
        self.users * self.each / 10
    }

    /// A patient of a user who has few, by its place among those of all of them.
    pub(crate) fn patient(&self, place: u64) -> Patient {
        Patient { id: place + 1, owner: place / self.each + 1 }
    }

    pub(crate) fn access(&self, user: u64) -> &str {
        let index = usize::try_from(user - 1).ok();
        index.and_then(|index| self.access.get(index)).map_or("", String::as_str)
    }

    /// Makes what an operation takes away.
    pub(crate) async fn prepare(&self, server: &Server, operation: Operation, seconds: u32) -> Result<()> {
        if operation != Operation::Delete {
            return Ok(());
        }
        let columns = "first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, phone_number, \
            email, medical_history";
        let seconds = u64::from(seconds.max(1));
        self.deletable.set(seconds * 6_000);
        // if pgbench ran out of rows, it would go on, and be too fast
        for (table, count) in [("patients", seconds * 6_000), ("plain.patients", seconds * 15_000)] {
            server
                .sql(&format!(
                    "set local session_replication_role = replica;
                    insert into {table} (id, created_by, {columns}) overriding system value
                    select {DELETABLE} + n, n % {} + 1, {columns}
                    from generate_series(0, {count} - 1) n, patients where patients.id = 1",
                    self.users
                ))
                .await?;
        }
        server.sql("vacuum analyze patients, plain.patients").await
    }

    /// Takes away what an operation has made, so that the next one finds what this one found.
    pub(crate) async fn tidy(&self, server: &Server, operation: Operation) -> Result<()> {
        if !operation.writes() {
            return Ok(());
        }
        let (patients, mappings) = (self.users * self.each / 10 * 11, self.users * self.each);
        server
            .sql(&format!(
                "set local session_replication_role = replica;
                delete from patient_doctor_mappings where id > {mappings};
                delete from plain.mappings where id > {mappings};
                delete from patients where id > {patients};
                delete from plain.patients where id > {patients}"
            ))
            .await?;
        server.sql("vacuum analyze patients, plain.patients, patient_doctor_mappings, plain.mappings").await
    }
}

/// Whose patient, and which.
#[derive(Clone, Copy)]
pub(crate) struct Patient {
    pub(crate) id: u64,
    pub(crate) owner: u64,
}

/// Verifies a password once, and nothing else.
fn verify() -> Result<()> {
    let verified = Argon2::default().verify_password(PASSWORD.as_bytes(), &PasswordHash::new(HASH)?);
    ensure!(verified.is_ok(), "the password is not the one of its hash");
    Ok(())
}

/// How often all processors together can do that in a second, as busy as they are.
pub(crate) fn verifications_per_second() -> Result<f64> {
    let threads = available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| (0..TIMES).try_for_each(|_| verify()))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a verification panicked"))?)
    })?;
    Ok(threads as f64 * f64::from(TIMES) / begun.elapsed().as_secs_f64())
}

/// The processor time of that, in microseconds.
pub(crate) fn verification_cpu() -> Result<f64> {
    let now = || -> Result<f64> {
        let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
        let times = [usage.user_time(), usage.system_time()];
        Ok(times.iter().map(|time| time.tv_sec() as f64 * 1e6 + time.tv_usec() as f64).sum())
    };
    let begun = now()?;
    for _ in 0..TIMES {
        verify()?;
    }
    Ok((now()? - begun) / f64::from(TIMES))
}
