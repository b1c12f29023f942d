-- The patients of each user.

create table patients (
    id bigint generated always as identity constraint patients_pkey primary key,
    created_by bigint not null
        constraint patients_created_by_fkey references users on delete cascade,
    first_name text not null
        constraint patients_first_name_check check (length(first_name) between 1 and 150),
    -- empty for a person with one name
    last_name text not null
        constraint patients_last_name_check check (length(last_name) <= 150),
    date_of_birth date not null
        constraint patients_date_of_birth_check check (date_of_birth between '0001-01-01' and '9999-12-31'),
    -- the date was reckoned from an age
    date_of_birth_estimated boolean not null,
    gender text not null
        constraint patients_gender_check check (gender in ('M', 'F', 'O')),
    address text not null
        constraint patients_address_check check (length(address) <= 1000),
    phone_number text not null
        constraint patients_phone_number_check check (length(phone_number) <= 20),
    email text not null
        constraint patients_email_check check (length(email) <= 254),
    medical_history text not null
        constraint patients_medical_history_check check (length(medical_history) <= 100000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version bigint not null default 1
);

-- A user's patients in the order of their ids, without a sort.
create index patients_created_by_idx on patients (created_by, id);

create trigger patients_touch before update on patients
    for each row execute function touch();
create trigger patients_audit after insert or update or delete on patients
    for each row execute function audit();
