-- Logins that are over are forgotten some time later. The audit has their beginning and their end, and needs no third row.
drop trigger sessions_audit on sessions;
create trigger sessions_audit after insert or update on sessions
    for each row execute function audit();
create trigger sessions_audit_delete after delete on sessions
    for each row when (old.ended_at is null and old.expires_at > now()) execute function audit();

create index sessions_over_idx on sessions (least(ended_at, expires_at));
