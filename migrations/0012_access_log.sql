-- Who read which patients, and when. The server writes it in batches, a second late at most; the audit of changes is in
-- audit_log. A month is a partition, so that old months go without a row being touched.

create sequence access_log_id_seq;

create table access_log (
    id bigint not null default nextval('access_log_id_seq'),
    -- when the rows were read, by the clock of the server
    at timestamptz not null,
    -- the actor outlives its account here: no foreign key
    actor_id bigint not null,
    actor_email text not null,
    -- the login or the API token that was used
    session_id bigint,
    via text not null
        constraint access_log_via_check check (via in ('api', 'admin')),
    request_id text not null,
    -- of the client
    address text,
    -- what was shown, in its order; a read of mappings names their patients too
    patient_ids bigint[] not null,
    mapping_ids bigint[] not null,
    constraint access_log_pkey primary key (at, id)
) partition by range (at);

alter sequence access_log_id_seq owned by access_log.id;

create index access_log_actor_idx on access_log (actor_id, at, id);
-- who read this patient
create index access_log_patient_ids_idx on access_log using gin (patient_ids);

create trigger access_log_append_only before update or delete or truncate on access_log
    for each statement execute function refuse_change();

-- Makes the partitions of all months from one time to another that are missing; several servers may ask at once. Months
-- are those of UTC.
create function make_access_months(earliest timestamptz, latest timestamptz) returns void
    language plpgsql as
$$
declare
    month timestamptz := date_trunc('month', earliest, 'UTC');
    following timestamptz;
    partition text;
begin
    while month <= latest loop
        following := (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
        partition := 'access_log_' || to_char(month at time zone 'UTC', 'YYYY_MM');
        if to_regclass(partition) is null then
            -- of servers that get here at once one makes it, and the others look again
            perform pg_advisory_xact_lock('access_log'::regclass::bigint);
            if to_regclass(partition) is null then
                execute format(
                    'create table %I partition of access_log for values from (%L) to (%L)', partition, month, following);
                -- a trigger for statements is not inherited
                execute format(
                    'create trigger access_log_append_only before update or delete or truncate on %I
                        for each statement execute function refuse_change()', partition);
            end if;
        end if;
        month := following;
    end loop;
end
$$;

-- Drops the months that ended so long ago, and names them. Of several servers that ask at once one does it.
create function drop_access_months(retention interval) returns setof text
    language plpgsql as
$$
declare
    partition text;
begin
    if not pg_try_advisory_xact_lock('access_log'::regclass::bigint) then
        return;
    end if;
    for partition in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'access_log'::regclass
            and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= now() - retention
        order by c.relname
    loop
        execute format('drop table %I', partition);
        return next partition;
    end loop;
end
$$;

select make_access_months(now(), now() + interval '1 month');
