-- The admin: staff log in with a cookie. Such a login is a session like any other.

-- What is kept of a cookie: a SHA-256 of its random value.
create table admin_cookies (
    hash bytea not null
        constraint admin_cookies_hash_check check (length(hash) = 32),
    session_id bigint not null
        constraint admin_cookies_session_id_fkey references sessions on delete cascade,
    constraint admin_cookies_pkey primary key (hash)
);

create index admin_cookies_session_id_idx on admin_cookies (session_id);

-- Who asks for a page of the admin, as the server read it from the request.
create type staff_caller as (
    cookie_hash bytea,
    request_id text,
    address text
);

-- The staff member behind a cookie: one row while the account is active and staff and the login goes on, else none. Every
-- statement of the admin starts from it. It is declared stable for the same reason as `actor`.
create function staff(caller staff_caller)
    returns table (id bigint, email text, name text, is_superuser boolean, session_id bigint, acts text[])
    language sql stable as
$$
    select u.id, u.email, u.name, u.is_superuser, s.id,
        act_as(u.id, u.email, 'admin', (caller).request_id, (caller).address, s.id)
    from admin_cookies c
    join sessions s on s.id = c.session_id and s.ended_at is null and s.expires_at > now()
    join users u on u.id = s.user_id and u.is_active and u.is_staff
    where c.hash = (caller).cookie_hash
$$;

-- When a login to the admin ends by itself: half an hour after its last use, and twelve hours after its beginning.
create function admin_expiry(begun timestamptz) returns timestamptz
    language sql stable as
$$
    select least(now() + interval '30 minutes', begun + interval '12 hours')
$$;

-- Who is no longer staff leaves the admin, also if the right comes back.
create function end_admin_sessions() returns trigger
    language plpgsql as
$$
begin
    update sessions s set ended_at = now()
    from admin_cookies c
    where c.session_id = s.id and s.user_id = new.id and s.ended_at is null;
    return null;
end
$$;

create trigger users_end_admin_sessions after update of is_staff on users
    for each row when (old.is_staff and not new.is_staff) execute function end_admin_sessions();

-- As it was, and it says where it happened.
drop function record_event(text, bigint, text, text);
create function record_event(event text, user_id bigint, request_id text, address text, via text default 'api')
    returns void
    language sql volatile as
$$
    insert into audit_log (actor_id, actor_email, via, request_id, address, event, table_name, row_id, action)
    select u.id, u.email, record_event.via, record_event.request_id, record_event.address, record_event.event, 'users',
        u.id, 'EVENT'
    from (select record_event.user_id as id) given
    left join users u on u.id = given.id
$$;

-- As it was, but staff at the admin see whose patients a doctor looks after before they delete it, and may do so.
create or replace function keep_assigned_doctor() returns trigger
    language plpgsql as
$$
begin
    if current_setting('app.via', true) = 'admin' then
        return old;
    end if;
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

-- A word of a search as a pattern: it is found within a text that was folded.
create function search_pattern(word text) returns text
    language sql immutable strict parallel safe as
$$
    select '%' || regexp_replace(fold(word), '([%_\\])', '\\\1', 'g') || '%'
$$;
