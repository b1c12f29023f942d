-- API tokens are logins too; refresh tokens can be exchanged for new ones; the audit says where a change came from and
-- what it was about.

alter table sessions
    -- a SHA-256 of the secret part of an API token; null for a login with a password
    add column token_hash bytea
        constraint sessions_token_hash_check check (length(token_hash) = 32),
    -- of an API token, which its owner gave it
    add column name text
        constraint sessions_name_check check (length(name) between 1 and 100),
    -- only for reading
    add column is_read_only boolean not null default false,
    -- the `jti` of the refresh token that is good, and of the one before it, which is good a little longer; null: any is
    add column refresh_jti text,
    add column previous_refresh_jti text,
    add column rotated_at timestamptz;

-- The session of a user, found by both: a user may have many.
create index sessions_user_id_id_idx on sessions (user_id, id);
drop index sessions_user_id_idx;

alter table audit_log
    -- null: nobody's account, as of a login with an unknown name
    alter column actor_id drop not null,
    alter column actor_email drop not null,
    -- of the client
    add column address text,
    -- the login or the API token that was used
    add column session_id bigint,
    -- what a change was about, or what happened without a change
    add column event text
        constraint audit_log_event_check check (event in (
            'login', 'login_failed', 'logout', 'session_ended', 'refresh_reused', 'password_changed',
            'password_upgraded', 'token_created', 'token_ended', 'throttled')),
    alter column row_id drop not null,
    drop constraint audit_log_action_check,
    add constraint audit_log_action_check check (action in ('INSERT', 'UPDATE', 'DELETE', 'EVENT'));

create index audit_log_actor_idx on audit_log (actor_id, id);

-- Who calls, as the server read it from the request.
create type caller as (
    user_id bigint,
    session_id bigint,
    -- null: the token was signed by the server
    token_hash bytea,
    -- the request is one that may write
    writes boolean,
    request_id text,
    address text
);

-- As it was, with where the actor is and which login is used. A server of the release before this one leaves both out.
drop function act_as(bigint, text, text, text);
create function act_as(
    actor_id bigint, actor_email text, via text, request_id text, address text default null,
    session_id bigint default null) returns text[]
    language sql volatile as
$$
    select array[
        set_config('app.actor_id', actor_id::text, true),
        set_config('app.actor_email', actor_email, true),
        set_config('app.via', via, true),
        set_config('app.request_id', request_id, true),
        set_config('app.address', coalesce(address, ''), true),
        set_config('app.session_id', coalesce(session_id::text, ''), true)]
$$;

-- The caller of the API: one row while the account is active, the login goes on and the token allows the request, else
-- none. A request that only reads names no actor, because nothing would ask who it is.
create function actor(caller caller)
    returns table (id bigint, email text, is_staff boolean, session_id bigint, acts text[])
    language sql stable as
$$
    select u.id, u.email, u.is_staff, s.id,
        case when (caller).writes then
            act_as(u.id, u.email, 'api', (caller).request_id, (caller).address, s.id)
        end
    from users u
    join sessions s on s.id = (caller).session_id and s.user_id = u.id and s.ended_at is null
    where u.id = (caller).user_id and u.is_active
        and s.token_hash is not distinct from (caller).token_hash
        and (s.token_hash is null or s.expires_at > now())
        and not (s.is_read_only and (caller).writes)
$$;

-- Says what the changes of the current transaction are about.
create function about(event text) returns text
    language sql volatile as
$$
    select set_config('app.event', event, true)
$$;

-- Writes down what happened without a change. The user is null if it is nobody's.
create function record_event(event text, user_id bigint, request_id text, address text) returns void
    language sql volatile as
$$
    insert into audit_log (actor_id, actor_email, via, request_id, address, event, table_name, row_id, action)
    select u.id, u.email, 'api', record_event.request_id, record_event.address, record_event.event, 'users', u.id, 'EVENT'
    from (select record_event.user_id as id) given
    left join users u on u.id = given.id
$$;

-- What a change of an account or a login is about, where the statement does not say it.
create function event_of(table_name text, old_row jsonb, new_row jsonb) returns text
    language sql immutable as
$$
    select case
        when table_name = 'users' and old_row ->> 'password_hash' <> new_row ->> 'password_hash' then 'password_changed'
        when table_name <> 'sessions' then null
        when old_row is null and new_row ->> 'token_hash' is null then 'login'
        when old_row is null then 'token_created'
        when old_row ->> 'ended_at' is not null or new_row ->> 'ended_at' is null then null
        when new_row ->> 'token_hash' is not null then 'token_ended'
        when new_row ->> 'id' = current_setting('app.session_id', true) then 'logout'
        else 'session_ended'
    end
$$;

-- As it was, with the address, the login and the event.
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
    changed text[];
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
        select array_agg(key) into changed
        from jsonb_each(new_values)
        -- a new refresh token moves the end of its login, which is no change of a record either
        where value is distinct from old_values -> key and not (tg_table_name = 'sessions' and key = 'expires_at');
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
