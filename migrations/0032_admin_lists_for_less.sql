-- The lists of the admin for less work a write. Each of these was kept up by every write of a patient or a mapping, and found
-- one page of the admin. A list now begins with the row that was made last, by the primary key; a page in the order of one of
-- these columns is found in the index that the API has of it, which is read as a whole.
drop index patients_all_date_of_birth_idx;
drop index patients_all_created_at_idx;
drop index patients_all_updated_at_idx;
drop index patient_doctor_mappings_all_assigned_at_idx;
drop index users_date_joined_idx;

-- The same for the two columns that the API has no index of.
create index patients_phone_number_idx on patients (phone_number collate "C", id) include (gender);

-- What was added in the last days, in any order: a few blocks of the table, and hardly any work a write.
create index patients_added_idx on patients using brin (created_at) with (pages_per_range = 16, autosummarize = on);

-- Whether an account can do everything: one that can must stay. The command line, the API and the admin ask this.
create function does_all(account users) returns boolean
    language sql immutable as
$$
    select account.is_superuser and account.is_active and account.is_staff
$$;

-- The changes of the mappings of a doctor, as it was and as it is: for its history.
create index audit_log_doctor_idx on audit_log using gin ((array[old_values ->> 'doctor_id', new_values ->> 'doctor_id']))
    where table_name = 'patient_doctor_mappings';
