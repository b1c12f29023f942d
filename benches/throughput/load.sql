-- The rows, written as any other writer would write them: with an actor, and so with the audit of all of it.
-- {users} users with {each} patients each, and one more who has a tenth as many as they have together.
select act_as(0, 'system', 'system', 'throughput');

insert into users (email, name, password_hash)
select 'user' || n || '@example.com', 'User ' || n, '{password_hash}'
from generate_series(1, {users} + 1) n
order by n;

insert into sessions (user_id, expires_at, user_agent, address)
select n, now() + interval '1 day', 'throughput', '127.0.0.1'
from generate_series(1, {users} + 1) n
order by n;

insert into doctors (first_name, last_name, specialty, phone_number, email, license_number)
select 'Emily', 'Carter ' || n, 'Cardiology', '1234567890', 'doctor' || n || '@example.com', 'LIC' || n
from generate_series(1, {doctors}) n
order by n;

insert into patients (
    created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, phone_number, email,
    medical_history)
select least((n - 1) / {each}, {users}) + 1, 'John', 'Doe ' || n,
    date '1990-01-01', false, 'M', '123 Health St', '1234567890', 'patient' || n || '@example.com',
    'No major issues'
from generate_series(1, {users} * {each} / 10 * 11) n
order by n;

insert into patient_doctor_mappings (patient_id, created_by, doctor_id)
select p.id, p.created_by, p.id % {doctors} + 1
from patients p
where p.created_by <= {users}
order by p.id;

-- What pgbench writes to: the same rows without anything that this project adds to them, but their keys, and an audit that
-- can be looked up by row.
create schema plain;
create table plain.users as select * from users;
alter table plain.users add primary key (id);
create table plain.sessions (
    id bigint generated always as identity primary key, user_id bigint not null references plain.users,
    created_at timestamptz not null default now(), expires_at timestamptz not null, user_agent text not null,
    address text not null);
create table plain.patients as
select id, created_by, first_name, last_name, date_of_birth, date_of_birth_estimated, gender, address, phone_number,
    email, medical_history, created_at, updated_at, version
from patients
order by id;
alter table plain.patients
    add primary key (id),
    alter column id add generated always as identity (start with 100000000),
    alter column created_at set default now(),
    alter column updated_at set default now(),
    alter column version set default 1,
    add foreign key (created_by) references plain.users on delete cascade;
create index on plain.patients (created_by, id);
create table plain.mappings as select id, patient_id, doctor_id, assigned_at from patient_doctor_mappings order by id;
alter table plain.mappings
    add primary key (id),
    alter column id add generated always as identity (start with 100000000),
    alter column assigned_at set default now(),
    add unique (patient_id, doctor_id),
    add foreign key (patient_id) references plain.patients on delete cascade,
    add foreign key (doctor_id) references doctors on delete cascade;
create table plain.audit_log as select * from audit_log;
alter table plain.audit_log
    add primary key (id),
    alter column id add generated always as identity (start with 100000000),
    alter column at set default now();
create index on plain.audit_log (table_name, row_id, id);
