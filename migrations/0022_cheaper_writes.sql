-- The same guarantees for less work a row. For each statement PostgreSQL reads all check constraints of a table anew from
-- their text, and puts the body of each function in `sql` that an index or a column calls in its place, so a table that
-- is written row by row pays for both with every row. A function in plpgsql is read once a connection.

-- As it was, with a short way for a text of plain letters.
create or replace function fold(value text) returns text
    language plpgsql immutable strict parallel safe as
$$
begin
    if octet_length(value) = length(value) then
        return lower(value);
    end if;
    return replace(replace(replace(
        translate(
            regexp_replace(lower(normalize(value, nfkd)), '[\u0300-\u036f]', '', 'g'),
            'øłđðıς’‘', 'olddiσ'''''),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
end
$$;

-- As it was.
create or replace function patient_of(table_name text, row_id bigint, old_values jsonb, new_values jsonb) returns bigint
    language plpgsql immutable parallel safe as
$$
begin
    return case table_name
        when 'patients' then row_id
        when 'patient_doctor_mappings' then (coalesce(new_values, old_values) ->> 'patient_id')::bigint
    end;
end
$$;

-- Refuses a value that is not allowed, as a constraint of each column would.
create function check_patient(
    first_name text, last_name text, date_of_birth date, gender text, address text, phone_number text, email text,
    medical_history text) returns boolean
    language plpgsql immutable parallel safe as
$$
declare
    wrong constant text := case
        when length(first_name) not between 1 and 150 then 'first_name'
        when length(last_name) > 150 then 'last_name'
        when date_of_birth not between '0001-01-01' and '9999-12-31' then 'date_of_birth'
        when gender not in ('M', 'F', 'O') then 'gender'
        when length(address) > 1000 then 'address'
        when length(phone_number) > 20 then 'phone_number'
        when length(email) > 254 then 'email'
        when length(medical_history) > 100000 then 'medical_history'
    end;
begin
    if wrong is null then
        return true;
    end if;
    raise exception 'a patient can''t have this %', wrong using
        errcode = 'check_violation', table = 'patients', column = wrong, constraint = 'patients_' || wrong || '_check';
end
$$;

alter table patients
    drop constraint patients_first_name_check,
    drop constraint patients_last_name_check,
    drop constraint patients_date_of_birth_check,
    drop constraint patients_gender_check,
    drop constraint patients_address_check,
    drop constraint patients_phone_number_check,
    drop constraint patients_email_check,
    drop constraint patients_medical_history_check,
    add constraint patients_check check (check_patient(
        first_name, last_name, date_of_birth, gender, address, phone_number, email, medical_history));

-- The same for the words of the audit.
create function check_audit(via text, action text, event text) returns boolean
    language plpgsql immutable parallel safe as
$$
declare
    wrong constant text := case
        when via not in ('api', 'admin', 'cli', 'system') then 'via'
        when action not in ('INSERT', 'UPDATE', 'DELETE', 'EVENT') then 'action'
        when event not in (
            'login', 'login_failed', 'logout', 'session_ended', 'refresh_reused', 'password_changed', 'password_upgraded',
            'token_created', 'token_ended', 'throttled') then 'event'
    end;
begin
    if wrong is null then
        return true;
    end if;
    raise exception 'the audit does not know this %', wrong using
        errcode = 'check_violation', table = 'audit_log', column = wrong, constraint = 'audit_log_' || wrong || '_check';
end
$$;

alter table audit_log
    drop constraint audit_log_via_check,
    drop constraint audit_log_action_check,
    drop constraint audit_log_event_check,
    add constraint audit_log_check check (check_audit(via, action, event));

-- One index for an owner's patients in their order, and for the mappings, which refer to both columns.
alter table patient_doctor_mappings drop constraint patient_doctor_mappings_patient_id_fkey;
alter table patients
    drop constraint patients_id_created_by_key,
    add constraint patients_created_by_id_key unique (created_by, id);
drop index patients_created_by_idx;
alter table patient_doctor_mappings
    add constraint patient_doctor_mappings_patient_id_fkey
        foreign key (created_by, patient_id) references patients (created_by, id) on delete cascade on update cascade;

-- As it was, but what changed is found without a query. The arguments are the columns that are compared; one that is not
-- among them is written down with each change.
create or replace function audit() returns trigger
    language plpgsql as
$$
declare
    -- what the server notes for itself is no change of a record
    bookkeeping constant text[] := array[
        'last_login', 'last_used_at', 'updated_at', 'version', 'search', 'token_hash', 'refresh_jti',
        'previous_refresh_jti', 'rotated_at'];
    secret constant jsonb := '{"password_hash": "********"}';
    event text := nullif(current_setting('app.event', true), '');
    old_values jsonb;
    new_values jsonb;
    field text;
    unchanged text[] := '{}';
begin
    if coalesce(current_setting('app.actor_id', true), '') = '' then
        raise exception 'no actor set: call act_as(…) in this transaction before you write to %', tg_table_name
            using errcode = 'insufficient_privilege';
    end if;
    if tg_op <> 'INSERT' then
        old_values := to_jsonb(old);
    end if;
    if tg_op <> 'DELETE' then
        new_values := to_jsonb(new);
    end if;
    if event is null and tg_table_name in ('users', 'sessions') and tg_op <> 'DELETE' then
        event := event_of(tg_table_name, old_values, new_values);
    end if;
    old_values := old_values - bookkeeping;
    new_values := new_values - bookkeeping;
    if tg_op = 'UPDATE' then
        foreach field in array tg_argv loop
            -- a new refresh token moves the end of its login, which is no change of a record either
            if old_values -> field = new_values -> field or tg_table_name = 'sessions' and field = 'expires_at' then
                unchanged := unchanged || field;
            end if;
        end loop;
        old_values := old_values - unchanged;
        new_values := new_values - unchanged;
        if new_values = '{}' then
            return null;
        end if;
    end if;
    if old_values ? 'password_hash' then
        old_values := old_values || secret;
    end if;
    if new_values ? 'password_hash' then
        new_values := new_values || secret;
    end if;
    insert into audit_log (
        actor_id, actor_email, via, request_id, address, session_id, event, table_name, row_id, action, old_values,
        new_values)
    values (
        current_setting('app.actor_id')::bigint, current_setting('app.actor_email'), current_setting('app.via'),
        current_setting('app.request_id'), nullif(current_setting('app.address', true), ''),
        nullif(current_setting('app.session_id', true), '')::bigint, event, tg_table_name, coalesce(new.id, old.id), tg_op,
        old_values, new_values);
    return null;
end
$$;

create or replace trigger users_audit after insert or update or delete on users
    for each row execute function audit(
        'id', 'email', 'username', 'name', 'password_hash', 'is_active', 'is_staff', 'is_superuser', 'date_joined');
create or replace trigger sessions_audit after insert or update on sessions
    for each row execute function audit(
        'id', 'user_id', 'created_at', 'expires_at', 'ended_at', 'user_agent', 'address', 'name', 'is_read_only');
create or replace trigger patients_audit after insert or update or delete on patients
    for each row execute function audit(
        'id', 'created_by', 'first_name', 'last_name', 'date_of_birth', 'date_of_birth_estimated', 'gender', 'address',
        'phone_number', 'email', 'medical_history', 'created_at');
create or replace trigger doctors_audit after insert or update or delete on doctors
    for each row execute function audit(
        'id', 'first_name', 'last_name', 'specialty', 'phone_number', 'email', 'license_number', 'created_at');
create or replace trigger patient_doctor_mappings_audit after insert or update or delete on patient_doctor_mappings
    for each row execute function audit('id', 'patient_id', 'doctor_id', 'created_by', 'assigned_at');
