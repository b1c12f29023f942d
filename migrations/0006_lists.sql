-- Lists that are searched, ordered and filtered: whatever a list is ordered by has an index.

-- A text as it is searched and ordered by: in small letters, without accents, and with the letters of one alphabet for
-- those of another that people type in their place.
create function fold(value text) returns text
    language sql immutable strict parallel safe as
$$
    select replace(replace(replace(
        translate(
            regexp_replace(lower(normalize(value, nfkd)), '[\u0300-\u036f]', '', 'g'),
            'øłđðıς’‘', 'olddiσ'''''),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
$$;

-- As it was, but what is searched by says nothing that the other columns do not.
create or replace function audit() returns trigger
    language plpgsql as
$$
declare
    bookkeeping constant text[] := array['last_login', 'last_used_at', 'updated_at', 'version', 'search'];
    secret constant jsonb := '{"password_hash": "********"}';
    old_values jsonb;
    new_values jsonb;
    changed text[];
begin
    if coalesce(current_setting('app.actor_id', true), '') = '' then
        raise exception 'a write to % by nobody', tg_table_name using errcode = 'insufficient_privilege';
    end if;
    if tg_op <> 'INSERT' then
        old_values := to_jsonb(old) - bookkeeping;
    end if;
    if tg_op <> 'DELETE' then
        new_values := to_jsonb(new) - bookkeeping;
    end if;
    if tg_op = 'UPDATE' then
        select array_agg(key) into changed
        from jsonb_each(new_values) where value is distinct from old_values -> key;
        if changed is null then
            return null;
        end if;
        select jsonb_object_agg(key, old_values -> key), jsonb_object_agg(key, new_values -> key)
        into old_values, new_values from unnest(changed) key;
    end if;
    if old_values ? 'password_hash' then
        old_values := old_values || secret;
    end if;
    if new_values ? 'password_hash' then
        new_values := new_values || secret;
    end if;
    insert into audit_log (actor_id, actor_email, via, request_id, table_name, row_id, action, old_values, new_values)
    values (
        current_setting('app.actor_id')::bigint, current_setting('app.actor_email'), current_setting('app.via'),
        current_setting('app.request_id'), tg_table_name, coalesce(new.id, old.id), tg_op, old_values, new_values);
    return null;
end
$$;

alter table patients add column search text not null generated always as (
    fold(first_name || ' ' || last_name || ' ' || phone_number || ' ' || email || ' ' || address)) stored;

create index patients_first_name_idx on patients (created_by, fold(first_name), id);
create index patients_last_name_idx on patients (created_by, fold(last_name), id);
create index patients_date_of_birth_idx on patients (created_by, date_of_birth, id);
create index patients_created_at_idx on patients (created_by, created_at, id);
create index patients_updated_at_idx on patients (created_by, updated_at, id);

alter table doctors add column search text not null generated always as (
    fold(first_name || ' ' || last_name || ' ' || specialty || ' ' || phone_number || ' ' || coalesce(email, '') || ' '
        || coalesce(license_number, ''))) stored;

create index doctors_first_name_idx on doctors (fold(first_name), id);
create index doctors_last_name_idx on doctors (fold(last_name), id);
create index doctors_specialty_idx on doctors (fold(specialty), id);
create index doctors_created_at_idx on doctors (created_at, id);
create index doctors_updated_at_idx on doctors (updated_at, id);

-- A mapping is its patient's owner's: said by the row itself, so that an owner's mappings have an order without a sort.
alter table patients add constraint patients_id_created_by_key unique (id, created_by);
alter table patient_doctor_mappings add column created_by bigint;
-- nobody changes anything by it, so there is nothing to audit
alter table patient_doctor_mappings disable trigger patient_doctor_mappings_audit;
update patient_doctor_mappings m set created_by = p.created_by from patients p where p.id = m.patient_id;
alter table patient_doctor_mappings enable trigger patient_doctor_mappings_audit;
alter table patient_doctor_mappings
    alter column created_by set not null,
    drop constraint patient_doctor_mappings_patient_id_fkey,
    add constraint patient_doctor_mappings_patient_id_fkey
        foreign key (patient_id, created_by) references patients (id, created_by) on delete cascade on update cascade;

-- For a server of the release before this one, which may run beside it, and does not say it.
create function own_mapping() returns trigger
    language plpgsql as
$$
begin
    new.created_by := (select created_by from patients where id = new.patient_id);
    return new;
end
$$;

create trigger patient_doctor_mappings_own before insert on patient_doctor_mappings
    for each row when (new.created_by is null) execute function own_mapping();

create index patient_doctor_mappings_created_by_idx on patient_doctor_mappings (created_by, id);
create index patient_doctor_mappings_assigned_at_idx on patient_doctor_mappings (created_by, assigned_at, id);
