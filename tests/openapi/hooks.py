"""What schemathesis is told beside its configuration: the refusals that the contract wants for a valid body.

A schema says neither what the database holds nor what day it is. So a valid body may be refused, but only by an
operation below, with these messages for these fields and nothing else.
"""

import re

import schemathesis
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData, UseAfterFree

REGISTER = r"POST /api/auth/register/"
DOCTORS = r"(POST|PUT|PATCH) /api/doctors/.*"
PATIENTS = r"(POST|PUT|PATCH) /api/patients/.*"
MAPPINGS = r"POST /api/mappings/"

REFUSALS = [
    # somebody else has it
    (REGISTER, "email", "user with this email already exists."),
    (REGISTER, "username", "A user with that username already exists."),
    (DOCTORS, "email", "doctor with this email already exists."),
    (DOCTORS, "license_number", "doctor with this license number already exists."),
    (MAPPINGS, "non_field_errors", "The fields patient, doctor must make a unique set."),
    # it is not there, or not the caller's
    (MAPPINGS, "detail", "You can only assign doctors to your own patients."),
    (MAPPINGS, "doctor(_id|Id)?", r'(?s)Invalid pk ".*" - object does not exist.'),
    # Django's rules for passwords, and what one field says of another
    (REGISTER, "password", r"(This|The) password is (too|entirely) .*|Password fields didn't match\."),
    (REGISTER, "username", "A username with an @ must be your own email address."),
    (REGISTER, "name", "Ensure this field has no more than 150 characters."),
    # not born yet
    (PATIENTS, "date_of_birth", "Date of birth cannot be in the future."),
]

# A field that says nothing beside others, unless they are at fault or as the row has them already.
OVERRIDDEN = {"name": {"first_name", "last_name"}, "age": {"date_of_birth"}}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure counts."""
    if isinstance(failure, (EnsureResourceAvailability, UseAfterFree)):
        # the number in this path is the patient's: that a mapping was made or deleted says nothing about it
        return case.operation.label != "GET /api/mappings/{id}/"
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    return not all(
        is_wanted(case, field, message)
        for field, messages in response.json().items()
        for message in ([messages] if isinstance(messages, str) else messages)
    )


def is_wanted(case, field, message):
    if "multipart" in (case.media_type or "") and message.startswith("Multipart form parse error"):
        # a name that no header can hold (RFC 9110 5.5): schemathesis writes it all the same
        return any(re.search(r"[\x00-\x1f\x7f]", name) for name in case.body)
    if field in OVERRIDDEN and OVERRIDDEN[field] <= set(case.body):
        return True
    said = (case.operation.label, field, message)
    return any(all(map(re.fullmatch, refusal, said)) for refusal in REFUSALS)
