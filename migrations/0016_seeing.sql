-- What the audit says, as its readers see it: a patient's history for its owner, and all of it for staff.

-- The patient that a change is about: also that a doctor was assigned to it or removed from it.
create function patient_of(table_name text, row_id bigint, old_values jsonb, new_values jsonb) returns bigint
    language sql immutable parallel safe as
$$
    select case table_name
        when 'patients' then row_id
        when 'patient_doctor_mappings' then (coalesce(new_values, old_values) ->> 'patient_id')::bigint
    end
$$;

create index audit_log_patient_idx on audit_log (patient_of(table_name, row_id, old_values, new_values), id)
    where table_name in ('patients', 'patient_doctor_mappings');

-- Whose patient it is, or was when it was deleted.
create function owner_of_patient(patient_id bigint) returns bigint
    language sql stable as
$$
    select coalesce(
        (select p.created_by from patients p where p.id = patient_id),
        (select (a.old_values ->> 'created_by')::bigint
        from audit_log a
        where a.table_name = 'patients' and a.row_id = patient_id and a.action = 'DELETE'
        order by a.id desc
        limit 1))
$$;

-- A value of a record as the API shows it: an owner by e-mail, null for an account that is no more.
create function shown_value(field text, value jsonb) returns jsonb
    language sql stable as
$$
    select case field
        when 'created_by' then (select to_jsonb(u.email) from users u where u.id = value::bigint)
        else value
    end
$$;

-- The fields that changed, under the API's names: {"gender": ["M", "F"]}. What a row is known by is no change of it.
create function shown_changes(old_values jsonb, new_values jsonb) returns jsonb
    language sql stable as
$$
    select coalesce(
        jsonb_object_agg(
            case field when 'doctor_id' then 'doctor' else field end,
            jsonb_build_array(
                shown_value(field, old_values -> field), shown_value(field, new_values -> field))),
        '{}')
    from jsonb_object_keys(coalesce(new_values, old_values)) field
    where field not in ('id', 'patient_id', 'created_at', 'assigned_at')
        and (field <> 'created_by' or old_values is not null and new_values is not null)
$$;

-- What was done to a row.
create function shown_action(action text) returns text
    language sql immutable parallel safe as
$$
    select case action
        when 'INSERT' then 'created'
        when 'UPDATE' then 'changed'
        when 'DELETE' then 'deleted'
        else 'event'
    end
$$;

create view patient_history as
select patient_of(a.table_name, a.row_id, a.old_values, a.new_values) as patient_id, a.id, a.at,
    a.actor_email as actor, a.via, a.address, a.request_id,
    case
        when a.table_name = 'patients' or a.action = 'UPDATE' then shown_action(a.action)
        when a.action = 'INSERT' then 'doctor_assigned'
        else 'doctor_removed'
    end as action,
    shown_changes(a.old_values, a.new_values) as changes
from audit_log a
where a.table_name in ('patients', 'patient_doctor_mappings');

-- What the audit is filtered by, beside the row, which has its index: each with the time, because an audit is asked of one.
create index audit_log_at_idx on audit_log (at, id);
create index audit_log_actor_at_idx on audit_log (actor_id, at, id);
create index audit_log_actor_email_idx on audit_log (lower(actor_email), at, id);
create index audit_log_event_idx on audit_log (event, at, id) where event is not null;
create index audit_log_address_idx on audit_log (address, at, id);
create index audit_log_request_id_idx on audit_log using hash (request_id);
drop index audit_log_actor_idx;
