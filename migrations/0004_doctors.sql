-- The directory of doctors, which all users share.

create table doctors (
    id bigint generated always as identity constraint doctors_pkey primary key,
    first_name text not null
        constraint doctors_first_name_check check (length(first_name) between 1 and 150),
    -- empty for a person with one name
    last_name text not null
        constraint doctors_last_name_check check (length(last_name) <= 150),
    specialty text not null
        constraint doctors_specialty_check check (length(specialty) between 1 and 120),
    phone_number text not null
        constraint doctors_phone_number_check check (length(phone_number) <= 20),
    email text
        constraint doctors_email_check check (length(email) between 1 and 254),
    license_number text
        constraint doctors_license_number_check check (length(license_number) between 1 and 50),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version bigint not null default 1
);

create unique index doctors_email_key on doctors (lower(email));
create unique index doctors_license_number_key on doctors (license_number);

create trigger doctors_touch before update on doctors
    for each row execute function touch();
create trigger doctors_audit after insert or update or delete on doctors
    for each row execute function audit();
