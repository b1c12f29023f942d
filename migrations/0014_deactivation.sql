-- The logins of an account end when it is deactivated, whoever does it, so that its tokens stay dead when it is activated
-- again. The row is locked when this runs, so a login that is under way has either begun its session, which ends here too,
-- or finds the account inactive.
create function end_sessions() returns trigger
    language plpgsql as
$$
begin
    update sessions set ended_at = now()
    where user_id = new.id and ended_at is null;
    return null;
end
$$;

create trigger users_end_sessions after update of is_active on users
    for each row when (old.is_active and not new.is_active) execute function end_sessions();
