-- An Idempotency-Key is written by a trigger, as the audit is: the statement that makes a row only names the key.

-- Names the key of the current transaction, and what tells its body from another. Null: there is none.
create function keyed(key text, fingerprint bytea) returns text[]
    language sql volatile as
$$
    select array[
        set_config('app.idempotency_key', coalesce(key, ''), true),
        set_config('app.fingerprint', coalesce(encode(fingerprint, 'hex'), ''), true)]
$$;

-- A row as it is answered again: with what the API shows of other tables.
create function answer(made anyelement) returns jsonb
    language sql stable as
$$
    select to_jsonb(made)
$$;

create function answer(made patients) returns jsonb
    language sql stable as
$$
    select to_jsonb(made) || jsonb_build_object('created_by', u.email) from users u where u.id = made.created_by
$$;

create function answer(made patient_doctor_mappings) returns jsonb
    language sql stable as
$$
    select to_jsonb(made) || jsonb_build_object(
        'patient_first_name', p.first_name, 'patient_last_name', p.last_name,
        'doctor_first_name', d.first_name, 'doctor_last_name', d.last_name)
    from patients p, doctors d
    where p.id = made.patient_id and d.id = made.doctor_id
$$;

-- Keeps the key with the row that it made. The argument is the route.
create function remember_key() returns trigger
    language plpgsql as
$$
declare
    answered jsonb;
begin
    -- dynamic, so that `answer` is chosen by the type of the row
    execute 'select answer($1)' into answered using new;
    insert into idempotency_keys (user_id, route, key, fingerprint, answer)
    values (
        current_setting('app.actor_id')::bigint, tg_argv[0], current_setting('app.idempotency_key'),
        decode(current_setting('app.fingerprint'), 'hex'), answered);
    return null;
end
$$;

create trigger patients_remember_key after insert on patients
    for each row when (coalesce(current_setting('app.idempotency_key', true), '') <> '')
    execute function remember_key('patients');
create trigger doctors_remember_key after insert on doctors
    for each row when (coalesce(current_setting('app.idempotency_key', true), '') <> '')
    execute function remember_key('doctors');
create trigger patient_doctor_mappings_remember_key after insert on patient_doctor_mappings
    for each row when (coalesce(current_setting('app.idempotency_key', true), '') <> '')
    execute function remember_key('mappings');

-- A change of nothing leaves the version and the time as they are.
create or replace function touch() returns trigger
    language plpgsql as
$$
begin
    if new is distinct from old then
        new.version := old.version + 1;
        new.updated_at := now();
    end if;
    return new;
end
$$;

-- The same for a table with a generated column, which has no value yet before the update.
create function touch_searched() returns trigger
    language plpgsql as
$$
begin
    new.search := old.search;
    if new is distinct from old then
        new.version := old.version + 1;
        new.updated_at := now();
    end if;
    return new;
end
$$;

create or replace trigger patients_touch before update on patients
    for each row execute function touch_searched();
create or replace trigger doctors_touch before update on doctors
    for each row execute function touch_searched();
