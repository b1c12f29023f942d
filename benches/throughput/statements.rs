//! The same work as scripts of pgbench: what PostgreSQL alone needs for it, in one statement each. Reads read the server's
//! tables. Writes write a row and one audit row of the same size, into tables without triggers (`load.sql`).

use crate::{
    load::{DELETABLE, Load},
    operations::Operation,
};

const COLUMNS: &str = "p.id, p.first_name, p.last_name, p.date_of_birth, p.date_of_birth_estimated, p.gender, p.address, \
    p.phone_number, p.email, p.medical_history, (select email from actor) as created_by, p.created_at, p.updated_at, \
    p.version";
const ACTOR: &str = "with actor as materialized (
    select u.id, u.email from users u
    join sessions s on s.id = :user and s.user_id = u.id and s.ended_at is null
    where u.id = :user and u.is_active)";
/// How an audit row begins; the table, the row, the action, and both values follow.
const AUDIT: &str = "insert into plain.audit_log (
        actor_id, actor_email, via, request_id, address, session_id, table_name, row_id, action, old_values, new_values)
    select actor.id, actor.email, 'api', '5f0c6d1e9b8a47d2a3c4e5f60718293a', '127.0.0.1', :user::bigint";
/// A whole patient, as the audit has it.
const PATIENT: &str = r#"jsonb '{"id": 100000, "created_by": 1000, "first_name": "John", "last_name": "Doe",
    "date_of_birth": "1990-01-01", "date_of_birth_estimated": false, "gender": "M", "address": "500000 Health St",
    "phone_number": "1234567890", "email": "john.doe@example.com", "created_at": "2026-01-01T09-30-00.123456+00-00",
    "medical_history": "No major issues, as of visit 500000"}'"#;
/// What PUT changes.
const CHANGES: &str = r#"jsonb '{"address": "500000 Health St", "phone_number": "1234567890",
    "medical_history": "No major issues, as of visit 500000"}'"#;
const PHONE: &str = r#"jsonb '{"phone_number": "1234567890"}'"#;

/// The script of an operation, if it has one of its own. That of a login verifies no password.
pub(crate) fn script(operation: Operation, load: &Load) -> Option<String> {
    let row = row_by_chance(operation, load);
    let statement = match operation {
        Operation::Get => one("p.id = :id and"),
        Operation::List | Operation::LongList => format!("{} order by p.id;", one("").trim_end_matches(';')),
        Operation::Page => format!("{} order by p.id limit 100;", one("p.id > :after and").trim_end_matches(';')),
        Operation::Doctor => doctor(),
        Operation::ByPatient => by_patient(),
        Operation::Post => post(),
        Operation::Put => update(
            "first_name = 'John', last_name = 'Doe', date_of_birth = '1990-01-01', date_of_birth_estimated = false,
            gender = 'M', address = :number || ' Health St', phone_number = :phone, email = 'john.doe@example.com',
            medical_history = 'No major issues, as of visit ' || :number",
            CHANGES,
        ),
        Operation::Patch => update("phone_number = :phone", PHONE),
        Operation::Delete => delete(),
        Operation::PostMapping => post_mapping(),
        Operation::Login => login(),
        Operation::Mix | Operation::GetDuringLogins => return None,
    };
    Some(format!("{row}\n{statement}\n"))
}

/// Sets the variables of a script.
fn row_by_chance(operation: Operation, load: &Load) -> String {
    let Load { users, each, doctors, .. } = load;
    let (owner, pages) = (load.owner_of_many(), load.many() / 100);
    match operation {
        Operation::LongList => format!("\\set user {owner}"),
        Operation::Page => format!("\\set user {owner}\n\\set after {users} * {each} + random(0, {pages} - 1) * 100"),
        // each client counts for itself
        Operation::Delete => format!(
            "\\set place :count * {} + :client_id\n\\set count :count + 1\n\\set user :place % {users} + 1\n\
            \\set id {DELETABLE} + :place",
            operation.pgbench_clients()
        ),
        _ => format!(
            "\\set place random(0, {users} * {each} - 1)\n\\set user :place / {each} + 1\n\\set id :place + 1\n\
            \\set doctor random(1, {doctors})\n\\set phone random(1000000000, 9999999999)\n\
            \\set number random(0, 999999)"
        ),
    }
}

fn one(which: &str) -> String {
    format!("{ACTOR} select {COLUMNS} from patients p where {which} p.created_by = (select id from actor);")
}

fn doctor() -> String {
    format!(
        "{ACTOR} select d.id, d.first_name, d.last_name, d.specialty, d.phone_number, d.email, d.license_number, \
        d.created_at, d.updated_at, d.version from actor join doctors d on d.id = :doctor;"
    )
}

fn by_patient() -> String {
    format!(
        "{ACTOR} select m.id, m.patient_id, m.doctor_id, p.first_name, p.last_name, d.first_name, d.last_name, \
        m.assigned_at from actor join patients p on p.id = :id and p.created_by = actor.id \
        join patient_doctor_mappings m on m.patient_id = p.id join doctors d on d.id = m.doctor_id order by m.id;"
    )
}

fn post() -> String {
    format!(
        "{ACTOR}, made as (
            insert into plain.patients (
                created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address,
                phone_number, email, medical_history)
            select id, 'John', 'Doe', date '1990-01-01', false, 'M', :number || ' Health St', :phone,
                'john.doe@example.com', 'No major issues, as of visit ' || :number
            from actor
            returning *),
        kept as ({AUDIT}, 'patients', made.id, 'INSERT', null, {PATIENT} from actor, made)
        select {COLUMNS} from made p;"
    )
}

fn update(set: &str, changes: &str) -> String {
    format!(
        "{ACTOR}, changed as (
            update plain.patients p set {set}, updated_at = now(), version = p.version + 1
            where p.id = :id and p.created_by = (select id from actor)
            returning *),
        kept as ({AUDIT}, 'patients', changed.id, 'UPDATE', {changes}, {changes} from actor, changed)
        select {COLUMNS} from changed p;"
    )
}

fn delete() -> String {
    format!(
        "{ACTOR}, gone as (
            delete from plain.patients where id = :id and created_by = (select id from actor) returning id)
        {AUDIT}, 'patients', gone.id, 'DELETE', {PATIENT}, null from actor, gone;"
    )
}

fn post_mapping() -> String {
    format!(
        "{ACTOR}, made as (
            insert into plain.mappings (patient_id, doctor_id)
            select p.id, :doctor::bigint
            from actor join plain.patients p on p.id = :id and p.created_by = actor.id
            on conflict do nothing
            returning *),
        kept as ({AUDIT}, 'patient_doctor_mappings', made.id, 'INSERT', null,
            jsonb '{{\"id\": 100000, \"patient_id\": 100000, \"doctor_id\": 1000, \"created_by\": 1000,
            \"assigned_at\": \"2026-01-01T09-30-00.123456+00-00\"}}' from actor, made)
        select m.id, m.patient_id, m.doctor_id, p.first_name, p.last_name, d.first_name, d.last_name, m.assigned_at
        from made m join plain.patients p on p.id = m.patient_id join doctors d on d.id = m.doctor_id;"
    )
}

fn login() -> String {
    format!(
        "select id, password_hash from users where lower(email) = 'user' || :user || '@example.com';
        with actor as (update plain.users set last_login = now() where id = :user and is_active returning id, email),
        made as (
            insert into plain.sessions (user_id, expires_at, user_agent, address)
            select id, now() + interval '1 day', '', '127.0.0.1' from actor returning id),
        kept as ({AUDIT}, 'sessions', made.id, 'INSERT', null,
            jsonb '{{\"id\": 100000, \"user_id\": 1000, \"name\": null, \"address\": \"127.0.0.1\", \"user_agent\": \"\",
            \"created_at\": \"2026-01-01T09-30-00.123456+00-00\", \"expires_at\": \"2026-01-01T09-30-00.123456+00-00\",
            \"ended_at\": null, \"is_read_only\": false}}' from actor, made)
        select id from made;"
    )
}
