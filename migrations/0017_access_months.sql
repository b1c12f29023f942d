-- As it was, but of servers that make a month at once none fails: an advisory lock does not tell the one that waited for it
-- which tables are new since.
create or replace function make_access_months(earliest timestamptz, latest timestamptz) returns void
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
            -- others may read and write meanwhile
            lock table only access_log in share update exclusive mode;
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
