-- Which doctors look after which patient.

create table patient_doctor_mappings (
    id bigint generated always as identity constraint patient_doctor_mappings_pkey primary key,
    patient_id bigint not null
        constraint patient_doctor_mappings_patient_id_fkey references patients on delete cascade,
    doctor_id bigint not null
        constraint patient_doctor_mappings_doctor_id_fkey references doctors on delete cascade,
    assigned_at timestamptz not null default now(),
    constraint patient_doctor_mappings_patient_id_doctor_id_key unique (patient_id, doctor_id)
);

create index patient_doctor_mappings_doctor_id_idx on patient_doctor_mappings (doctor_id);

create trigger patient_doctor_mappings_audit after insert or update or delete on patient_doctor_mappings
    for each row execute function audit();

-- A doctor goes with the mappings of whoever deletes it, but not with anybody else's. The row is locked when this runs,
-- so an assignment that is under way is either seen here, or finds the doctor gone.
create function keep_assigned_doctor() returns trigger
    language plpgsql as
$$
begin
    perform from patient_doctor_mappings m
    join patients p on p.id = m.patient_id
    where m.doctor_id = old.id and p.created_by <> current_setting('app.actor_id')::bigint;
    if found then
        raise exception 'doctor % is assigned to patients of others', old.id
            using errcode = 'restrict_violation', constraint = 'doctors_assigned_to_others', table = 'doctors';
    end if;
    return old;
end
$$;

create trigger doctors_keep_assigned before delete on doctors
    for each row execute function keep_assigned_doctor();
