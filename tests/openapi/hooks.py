"""What schemathesis is told beside its configuration: where the contract wants what a schema can't say.

A schema says neither what the database holds nor what day it is. So a valid body may be refused, but only by an operation
below, with these messages for these fields and nothing else; and three things more, each said where it is excused.
"""

import re

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
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
    # it was not read here, it stands for another body, it was not made here
    (r"(PUT|PATCH|DELETE) /api/(patients|doctors)/\{id\}/", "detail", "It has changed since you read it: .*"),
    (r"POST /api/(patients|doctors|mappings)/", "detail", "This Idempotency-Key was sent with another body before."),
    (r"GET /api/(patients|doctors|mappings)/", "cursor", "Invalid cursor."),
    # it is changed elsewhere
    (r"PATCH /api/auth/me/", r"\w+", r".* can't be changed here; .*|An account has one name; .*"),
    # not born yet
    (PATIENTS, "date_of_birth", "Date of birth cannot be in the future."),
]

# A field that says nothing beside others, unless they are at fault, or as the row has them already.
OVERRIDDEN = {"name": {"first_name", "last_name"}, "age": {"date_of_birth"}}
RULES = r"This field may not be blank\.|Ensure this (field|value) .*"


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure counts."""
    if isinstance(failure, (EnsureResourceAvailability, UseAfterFree)):
        # the number in this path is the patient's: that a mapping was made or deleted says nothing about it
        is_of_mapping = re.search(r"(POST|DELETE) /api/mappings/", failure.message)
        return not (is_of_mapping and case.operation.label == "GET /api/mappings/{id}/")
    if isinstance(failure, AcceptedNegativeData):
        return not sends_empty_name_back(case, response)
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in (400, 412, 422):
        return True
    faults = response.json()
    return not all(
        is_wanted(case, field, message, faults)
        for field, messages in faults.items()
        for message in ([messages] if isinstance(messages, str) else messages)
    )


def sends_empty_name_back(case, response):
    """The last name of somebody with one name is empty, and may be put back so."""
    is_change = re.fullmatch(r"(PUT|PATCH) /api/(patients|doctors)/\{id\}/", case.operation.label)
    sent = case.body.get("last_name") if is_change else None
    return isinstance(sent, str) and sent.strip() == response.json()["last_name"] == ""


def is_wanted(case, field, message, faults):
    label = case.operation.label
    if "multipart" in (case.media_type or "") and message.startswith("Multipart form parse error"):
        # a name that no header can hold (RFC 9110 5.5): schemathesis writes it all the same
        return any(re.search(r"[\x00-\x1f\x7f]", name) for name in case.body)
    others = OVERRIDDEN.get(field)
    if others and others <= set(case.body) and re.fullmatch(RULES, message):
        is_change = re.fullmatch(r"(PUT|PATCH) /api/(patients|doctors)/\{id\}/", label)
        return bool(is_change or others & set(faults))
    said = (label, field, message)
    return any(all(map(re.fullmatch, refusal, said)) for refusal in REFUSALS)
