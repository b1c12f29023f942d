-- As it was, but the message says what to do.
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
        raise exception 'no actor set: call act_as(…) in this transaction before you write to %', tg_table_name
            using errcode = 'insufficient_privilege';
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
