-- What the lists of the admin are ordered and searched by: everybody's rows, where the API has one owner's. Each index costs
-- every write a little, so there are only those that a page of 100 out of 100,000 rows can't do without.
create index patients_all_last_name_idx on patients (fold(last_name), id);
create index patients_all_date_of_birth_idx on patients (date_of_birth, id);
create index patients_all_created_at_idx on patients (created_at, id);
create index patients_all_updated_at_idx on patients (updated_at, id);
create index patient_doctor_mappings_all_assigned_at_idx on patient_doctor_mappings (assigned_at, id);
create index users_date_joined_idx on users (date_joined, id);
create index users_name_idx on users (fold(name), id);

-- The search for a part of a word. Where PostgreSQL's additional modules are not installed, it takes longer.
do
$$
begin
    create extension if not exists pg_trgm;
    execute 'create index patients_search_idx on patients using gin (search gin_trgm_ops)';
exception
    when feature_not_supported or undefined_file or insufficient_privilege then
        raise notice 'the search of the admin is slow: there is no pg_trgm';
end
$$;
