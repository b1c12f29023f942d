"""What schemathesis is told beside its configuration.

The document is plain, so that generators understand it: one type a field, and no conditions between fields. So the server
refuses some bodies that the schema allows, and accepts some that it does not. Each kind is listed here, by operation, field
and message; anything else is a failure.
"""

import re

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData, UseAfterFree

REGISTER = r"POST /api/auth/register/"
DOCTORS = r"(POST|PUT|PATCH) /api/doctors/.*"
PATIENTS = r"(POST|PUT|PATCH) /api/patients/.*"
MAPPINGS = r"POST /api/mappings/"
ANY = r".*"

# Operation, field and message of what the schema allows and the server refuses.
REFUSED = [
    # somebody else has it
    (REGISTER, "email", "user with this email already exists."),
    (REGISTER, "username", "A user with that username already exists."),
    (DOCTORS, "email", "doctor with this email already exists."),
    (DOCTORS, "license_number", "doctor with this license number already exists."),
    (MAPPINGS, "non_field_errors", "The fields patient, doctor must make a unique set."),
    # it does not exist, or is not the caller's
    (MAPPINGS, "detail", "You can only assign doctors to your own patients."),
    (MAPPINGS, "doctor", r'(?s)Invalid pk ".*" - object does not exist.'),
    # one of several fields is required; and what a form leaves empty is left out
    (ANY, ".*", "This field is required."),
    # texts that no schema describes to generators
    (ANY, ".*", r"This field may not be blank\.|Null characters are not allowed\."),
    (ANY, "email", "Enter a valid email address."),
    (ANY, "search", "Ensure this field has no more than 10 words."),
    (ANY, "ordering|gender|action", r'(?s)".*" is not a valid choice\.'),
    (REGISTER, "username", r"Enter a valid username\..*|A username with an @ must be your own email address\."),
    (PATIENTS, "date_of_birth", "Date of birth cannot be in the future."),
    (r"GET /api/.*", ".*", r"(Date|Datetime) has wrong format\..*"),
    # Django's rules for passwords, and what one field says of another
    (ANY, "(new_)?password", r"(This|The) password is (too|entirely) .*|Password fields didn't match\."),
    (r"POST /api/auth/password/change/", "old_password", "Your old password was entered incorrectly.*"),
    (REGISTER, "name", "Ensure this field has no more than 150 characters."),
    (r"POST /api/auth/tokens/", "expires_at", r"Ensure this time is in the future\.|Datetime has wrong format\..*"),
    # it was not read here, it stands for another body, it was not made here
    (r"(PUT|PATCH|DELETE) /api/(patients|doctors)/\{id\}/", "detail", "It has changed since you read it.*"),
    (MAPPINGS + r"|POST /api/(patients|doctors)/", "detail", r"(?s).*Idempotency-Key (was sent|must have) .*"),
    (r"GET /api/(patients|doctors|mappings|audit|audit/reads)/", "cursor", "Invalid cursor."),
    (r"GET /api/patients/\{id\}/(history|access)/", "cursor", "Invalid cursor."),
]

# What the schema refuses and the server accepts: numbers for texts and texts for numbers, as Django REST framework does;
# empty parameters and empty fields of forms, which were not filled in; other cases of letters; a field that counts for
# nothing beside others, or that the row shows already.
ACCEPTED = re.compile(r"Incorrect type|smaller than minLength|Value not matching the '(email|date|date-time)' format|enum")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure counts."""
    if isinstance(failure, (EnsureResourceAvailability, UseAfterFree)):
        # the number in this path is the patient's: that a mapping was made or deleted says nothing about it
        is_of_mapping = re.search(r"(POST|DELETE) /api/mappings/", failure.message)
        # what became of a patient, and who read it, stays when it is deleted
        stays = re.fullmatch(r"GET /api/patients/\{id\}/(history|access)/", case.operation.label)
        return not (stays or is_of_mapping and case.operation.label == "GET /api/mappings/{id}/")
    if isinstance(failure, AcceptedNegativeData):
        return not ACCEPTED.search(failure.message)
    if not isinstance(failure, RejectedPositiveData) or response.status_code not in (400, 412, 422):
        return True
    errors = response.json()
    return not all(
        is_refused(case, field, message)
        for field, messages in errors.items()
        for message in ([messages] if isinstance(messages, str) else messages)
    )


def is_refused(case, field, message):
    if "multipart" in (case.media_type or "") and message.startswith("Multipart form parse error"):
        # a name that no header can hold (RFC 9110 5.5): schemathesis writes it all the same
        return any(re.search(r"[\x00-\x1f\x7f]", name) for name in case.body)
    said = (case.operation.label, field, message)
    return any(all(map(re.fullmatch, refusal, said)) for refusal in REFUSED)
