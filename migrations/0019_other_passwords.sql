-- As it was, and the logins of an account end when it gets another password too, but for the one that changes it. A login
-- that is under way has either begun its session, which ends here too, or finds another password.
create or replace function end_sessions() returns trigger
    language plpgsql as
$$
begin
    -- the same password, hashed anew
    if new.is_active and current_setting('app.event', true) = 'password_upgraded' then
        return null;
    end if;
    update sessions set ended_at = now()
    where user_id = new.id and ended_at is null
        and (not new.is_active or id::text is distinct from current_setting('app.session_id', true));
    return null;
end
$$;

create trigger users_end_other_sessions after update of password_hash on users
    for each row when (old.password_hash <> new.password_hash) execute function end_sessions();
