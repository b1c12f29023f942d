"""From registration to a mapping, with the client that OpenAPI Generator's python makes of the document."""

import os
from datetime import date

from healthcare_client import (
    ApiClient,
    AuthApi,
    Configuration,
    DoctorRequest,
    DoctorsApi,
    Gender,
    LoginRequest,
    MappingRequest,
    MappingsApi,
    PatientRequest,
    PatientsApi,
    RegisterRequest,
)
from healthcare_client.exceptions import BadRequestException, UnauthorizedException

configuration = Configuration(host=os.environ["SERVER"])
client = ApiClient(configuration)
auth, patients, doctors, mappings = AuthApi(client), PatientsApi(client), DoctorsApi(client), MappingsApi(client)

email, password = "python@example.com", "StrongPass123"
user = auth.auth_register_create(RegisterRequest(name="Walker", email=email, password=password)).user
configuration.access_token = auth.auth_login_create(LoginRequest(email=email, password=password)).access

patient = patients.patients_create(PatientRequest(name="John Doe", age=34, gender=Gender.M))
doctor = doctors.doctors_create(DoctorRequest(first_name="Emily", last_name="Carter", specialty="Cardiology"))
mapping = mappings.mappings_create(MappingRequest(patient=patient.id, doctor=doctor.id))
assert (patient.created_by, mapping.patient_name) == (user.email, "John Doe")
assert mappings.mappings_doctors_list(patient.id) == [doctor]


def found(gender: Gender):
    since = date(1980, 1, 1)
    return patients.patients_list(gender=gender, search="doe", ordering="-id", date_of_birth__gte=since)


assert (found(Gender.M), found(Gender.F)) == ([patient], [])

try:
    patients.patients_create(PatientRequest(gender=Gender.F))
except BadRequestException as refusal:
    errors = refusal.data
assert errors.first_name == errors.date_of_birth == ["This field is required."]

configuration.access_token = None
try:
    patients.patients_list()
except UnauthorizedException as refusal:
    detail = refusal.data.detail

print(f"python: mapping {mapping.id}; {errors.first_name[0]}; {detail}")
