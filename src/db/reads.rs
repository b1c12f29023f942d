//! Who was shown which patients. A record waits in memory until the recorder writes it, so no reader waits for that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use prometheus::IntCounter;
use serde_json::Value;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};

use super::{admin::Member, connections::Connections, recorder::Recorder};
use crate::{
    auth::{CurrentUser, Staff, Via},
    config::{ReadAudit, WhenFull},
    error::{ApiError, Result},
    metrics::{Metrics, counter, shed},
    request::Origin,
};

/// How long a request waits for room for its record.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end of the server waits until all records are written.
const FLUSH: Duration = Duration::from_secs(5);

/// Which patient a row tells of.
pub enum Subject {
    /// None.
    Nobody,
    /// The one of this number.
    Patient(i64),
    /// The patient of a mapping.
    Mapping { id: i64, patient: i64 },
}

impl Subject {
    /// Of a row of a table, or of what an answer kept of it.
    pub(super) fn of(table: &str, id: Option<i64>, values: Option<&Value>) -> Self {
        let patient = values.and_then(|values| values.get("patient_id")?.as_i64());
        match (table, id, patient) {
            ("patients", Some(id), _) => Self::Patient(id),
            ("patient_doctor_mappings" | "mappings", Some(id), Some(patient)) => Self::Mapping { id, patient },
            _ => Self::Nobody,
        }
    }
}

/// What one answer, or one part of a long one, showed to its reader. Without patients it says that an API token was used.
pub(super) struct Read {
    pub(super) at: DateTime<Utc>,
    pub(super) reader: Reader,
    pub(super) patient_ids: Vec<i64>,
    pub(super) mapping_ids: Vec<i64>,
}

/// Who reads, and where.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) user_id: i64,
    pub(super) session_id: i64,
    pub(super) via: Via,
    pub(super) origin: Origin,
    /// By an API token.
    pub(super) is_script: bool,
}

impl Reader {
    fn of(user: &CurrentUser) -> Self {
        Self {
            user_id: user.id(),
            session_id: user.session_id(),
            via: Via::Api,
            origin: user.origin().clone(),
            is_script: user.token_hash().is_some(),
        }
    }
}

/// A read, and what it takes of the room.
pub(super) type Waiting = (Read, OwnedSemaphorePermit);

/// The records that wait for the recorder.
#[derive(Clone)]
pub(super) struct Reads {
    audit: ReadAudit,
    queue: mpsc::UnboundedSender<Waiting>,
    /// The bytes that are free.
    room: Arc<Semaphore>,
    /// How many records were dropped.
    dropped: Arc<AtomicUsize>,
    /// The same since the start, and how many requests were refused because of them.
    lost: IntCounter,
    refused: IntCounter,
    /// Tells the recorder not to wait for others.
    hurry: Arc<Notify>,
}

impl Read {
    /// A read of these rows that ends now.
    pub(super) fn new(reader: &CurrentUser, rows: impl IntoIterator<Item = Subject>) -> Self {
        Self::by(Reader::of(reader), rows)
    }

    /// The same by staff, at the admin.
    pub(super) fn by_staff(staff: &Staff, member: &Member, rows: impl IntoIterator<Item = Subject>) -> Self {
        let reader = Reader {
            user_id: member.id,
            session_id: member.session_id,
            via: Via::Admin,
            origin: staff.origin().clone(),
            is_script: false,
        };
        Self::by(reader, rows)
    }

    fn by(reader: Reader, rows: impl IntoIterator<Item = Subject>) -> Self {
        let mut read = Self { at: Utc::now(), reader, patient_ids: Vec::new(), mapping_ids: Vec::new() };
        for row in rows {
            match row {
                Subject::Nobody => {}
                Subject::Patient(id) => read.add(id),
                Subject::Mapping { id, patient } => {
                    read.mapping_ids.push(id);
                    read.add(patient);
                }
            }
        }
        read
    }

    fn add(&mut self, patient: i64) {
        if !self.patient_ids.contains(&patient) {
            self.patient_ids.push(patient);
        }
    }

    /// How many numbers it holds.
    pub(super) fn ids(&self) -> usize {
        self.patient_ids.len() + self.mapping_ids.len()
    }

    /// About how many bytes it takes.
    fn size(&self) -> u32 {
        u32::try_from(size_of::<Waiting>() + size_of::<i64>() * self.ids()).unwrap_or(u32::MAX)
    }
}

impl Reads {
    /// Begins to record.
    pub(super) fn new(connections: Arc<Connections>, audit: ReadAudit) -> Self {
        let (queue, waiting) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(usize::try_from(audit.room).unwrap_or(usize::MAX)));
        let (dropped, hurry) = (Arc::default(), Arc::default());
        let recorder = Recorder { connections, waiting, dropped: Arc::clone(&dropped), hurry: Arc::clone(&hurry) };
        tokio::spawn(recorder.run());
        let lost = "Records of reads that were dropped, because too many waited for the database.";
        let lost = counter("read_audit_dropped_total", lost, &[]);
        Self { audit, queue, room, dropped, lost, refused: shed("read_audit"), hurry }
    }

    /// Records a read. It waits only if there is no room, and not for ever: 503.
    pub(super) async fn record(&self, read: Read) -> Result<()> {
        if read.patient_ids.is_empty() || !self.audit.is_on {
            self.used(&read.reader);
            return Ok(());
        }
        let size = read.size().min(self.audit.room);
        let room = match Arc::clone(&self.room).try_acquire_many_owned(size) {
            Ok(room) => room,
            Err(_) if self.audit.when_full == WhenFull::Drop => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                self.lost.inc();
                return Ok(());
            }
            Err(_) => {
                let room = timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(size)).await;
                let Ok(Ok(room)) = room else {
                    self.refused.inc();
                    return Err(ApiError::Unavailable("too many records of reads wait for the database".into()));
                };
                room
            }
        };
        self.push(read, room);
        Ok(())
    }

    /// Notes that a token was used, if it is an API token. That is no record, and never waits.
    pub(super) fn token_used(&self, user: &CurrentUser) {
        if user.token_hash().is_some() {
            self.used(&Reader::of(user));
        }
    }

    fn used(&self, reader: &Reader) {
        if !reader.is_script {
            return;
        }
        let read = Read::by(reader.clone(), []);
        if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(read.size()) {
            self.push(read, room);
        }
    }

    fn push(&self, read: Read, room: OwnedSemaphorePermit) {
        // the recorder ends with the runtime, and so with the requests
        let _ = self.queue.send((read, room));
    }

    /// Shows how much waits, and what became of what had no room.
    pub(super) fn show(&self, metrics: &Metrics) {
        let (room, most) = (Arc::clone(&self.room), usize::try_from(self.audit.room).unwrap_or(usize::MAX));
        let help = "Memory that records of reads take until the database has them.";
        let backlog = move || most.saturating_sub(room.available_permits());
        metrics.show_reading("read_audit_backlog_bytes", help, &[], backlog);
        let help = "Memory that records of reads may take.";
        metrics.show_reading("read_audit_backlog_max_bytes", help, &[], move || most);
        metrics.show(self.lost.clone());
        metrics.show(self.refused.clone());
    }

    /// Waits until all that waits is written, but not long.
    pub(super) async fn flush(&self) {
        self.hurry.notify_one();
        // all of the room is free when nothing waits
        if timeout(FLUSH, self.room.acquire_many(self.audit.room)).await.is_err() {
            tracing::error!("the last records of reads are lost: the database does not take them");
        }
    }
}
