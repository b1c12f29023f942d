"""From registration to a mapping, with the client that openapi-python-client makes of the document."""

import os
from datetime import date

from healthcare_client import AuthenticatedClient, Client
from healthcare_client.api.auth import auth_login_create, auth_register_create
from healthcare_client.api.doctors import doctors_create
from healthcare_client.api.mappings import mappings_create, mappings_doctors_list
from healthcare_client.api.patients import patients_create, patients_list
from healthcare_client.models import (
    Doctor,
    DoctorRequest,
    Gender,
    LoginRequest,
    Mapping,
    MappingRequest,
    Patient,
    PatientErrors,
    PatientRequest,
    PatientsListOrdering,
    Registered,
    RegisterRequest,
    TokenPair,
    UnauthenticatedBody,
)

server = os.environ["SERVER"]
anybody = Client(base_url=server)

email, password = "openapi-python-client@example.com", "StrongPass123"
account = RegisterRequest(name="Walker", email=email, password=password)
registered = auth_register_create.sync(client=anybody, body=account)
assert isinstance(registered, Registered)
tokens = auth_login_create.sync(client=anybody, body=LoginRequest(email=email, password=password))
assert isinstance(tokens, TokenPair)
client = AuthenticatedClient(base_url=server, token=tokens.access)

patient = patients_create.sync(client=client, body=PatientRequest(name="John Doe", age=34, gender=Gender.M))
assert isinstance(patient, Patient)
emily = DoctorRequest(first_name="Emily", last_name="Carter", specialty="Cardiology")
doctor = doctors_create.sync(client=client, body=emily)
assert isinstance(doctor, Doctor)
mapping = mappings_create.sync(client=client, body=MappingRequest(patient=patient.id, doctor=doctor.id))
assert isinstance(mapping, Mapping)
assert (patient.created_by, mapping.patient_name) == (registered.user.email, "John Doe")
assert mappings_doctors_list.sync(patient.id, client=client) == [doctor]


def found(gender: Gender):
    newest, since = PatientsListOrdering.ID_DESCENDING, date(1980, 1, 1)
    return patients_list.sync(client=client, gender=gender, search="doe", ordering=newest, date_of_birth_gte=since)


assert (found(Gender.M), found(Gender.F)) == ([patient], [])

errors = patients_create.sync(client=client, body=PatientRequest(gender=Gender.F))
assert isinstance(errors, PatientErrors)
assert errors.first_name == errors.date_of_birth == ["This field is required."]

unknown = patients_list.sync(client=AuthenticatedClient(base_url=server, token="nobody's"))
assert isinstance(unknown, UnauthenticatedBody)

print(f"openapi-python-client: mapping {mapping.id}; {errors.first_name[0]}; {unknown.detail}")
