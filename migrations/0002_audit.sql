-- Who changed what. Every statement that writes says first who acts; the triggers below keep it with the change, in
-- the same transaction, and refuse a write by nobody.

create table audit_log (
    id bigint generated always as identity constraint audit_log_pkey primary key,
    at timestamptz not null default now(),
    -- the actor outlives its account here: no foreign key
    actor_id bigint not null,
    actor_email text not null,
    via text not null
        constraint audit_log_via_check check (via in ('api', 'admin', 'cli', 'system')),
    request_id text not null,
    table_name text not null,
    row_id bigint not null,
    action text not null
        constraint audit_log_action_check check (action in ('INSERT', 'UPDATE', 'DELETE')),
    -- the whole row of an insert or a delete, the changed columns of an update
    old_values jsonb,
    new_values jsonb
);

create index audit_log_row_idx on audit_log (table_name, row_id, id);

-- Names the actor of the current transaction.
create function act_as(actor_id bigint, actor_email text, via text, request_id text) returns text[]
    language sql volatile as
$$
    select array[
        set_config('app.actor_id', actor_id::text, true),
        set_config('app.actor_email', actor_email, true),
        set_config('app.via', via, true),
        set_config('app.request_id', request_id, true)]
$$;

-- The caller of the API: one row while the account is active and the session goes on, else none. Every statement
-- starts from it. It is declared stable, although it names the actor, because PostgreSQL plans only such a function
-- as a part of the statement around it.
create function actor(user_id bigint, session_id bigint, request_id text)
    returns table (id bigint, email text, acts text[])
    language sql stable as
$$
    select u.id, u.email, act_as(u.id, u.email, 'api', request_id)
    from users u
    join sessions s on s.id = session_id and s.user_id = u.id and s.ended_at is null
    where u.id = actor.user_id and u.is_active
$$;

create function audit() returns trigger
    language plpgsql as
$$
declare
    -- what the server notes for itself is no change of a record
    bookkeeping constant text[] := array['last_login', 'last_used_at', 'updated_at', 'version'];
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

create trigger users_audit after insert or update or delete on users
    for each row execute function audit();
create trigger sessions_audit after insert or update or delete on sessions
    for each row execute function audit();

-- What was written down stays.
create function refuse_change() returns trigger
    language plpgsql as
$$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change();
