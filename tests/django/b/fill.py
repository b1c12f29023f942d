"""Fills README B's service by its models, and prints what its API would show to each user, in this server's names."""

import json
from datetime import datetime, timezone

import django

django.setup()

from clinic.models import Appointment, Doctor, Patient, PatientDoctorMapping
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

HASHERS = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"]
PASSWORD = "StrongPass123"

User.objects.create_superuser("root", "root@example.com", PASSWORD)
for hasher in HASHERS:
    user = User(username=f"{hasher}.Alice", email=f"{hasher}@example.com", first_name="Alice", last_name=f"Doe {hasher}")
    user.password = make_password(PASSWORD, hasher=hasher)
    user.save()
User.objects.create_user("gone", "gone@example.com", PASSWORD, is_active=False)
User.objects.create_user("unusable", "unusable@example.com", None)

owners = [user for user in User.objects.order_by("id") if user.is_active and user.has_usable_password()]
for number in range(300):
    Patient.objects.create(
        name=f"John {number} Smith" if number % 4 else "Madonna", age=number % 100, gender=["M", "female", "Other"][number % 3],
        address="Bengaluru" if number % 2 else "", phone=None if number % 5 else "1234567890", owner=owners[number % len(owners)],
    )
for number in range(10):
    Doctor.objects.create(name=f"Dr. Emily Carter {number}", specialization="Cardiology", contact="987", years_of_experience=number)
for patient in Patient.objects.all():
    PatientDoctorMapping.objects.create(patient=patient, doctor_id=patient.id % 10 + 1)
    Appointment.objects.create(patient=patient, doctor_id=1, at=datetime.now(timezone.utc))


def time(value):
    return value.isoformat().replace("+00:00", "Z")


def patient(row):
    return {
        "id": row.id, "name": row.name, "age": row.age, "gender": row.gender[0].upper(), "address": row.address,
        "phone_number": row.phone or "", "created_by": row.owner.email, "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    }


def mapping(row):
    return {"id": row.id, "patient": row.patient_id, "doctor": row.doctor_id, "assigned_at": time(row.created_at)}


def doctor(row):
    return {
        "id": row.id, "name": row.name, "specialty": row.specialization, "email": row.email or None,
        "phone_number": row.contact, "created_at": time(row.created_at),
    }


shown = {
    "password": PASSWORD,
    "rows": {"users": User.objects.count(), "patients": Patient.objects.count(), "doctors": Doctor.objects.count(), "mappings": PatientDoctorMapping.objects.count()},
    "users": [
        {
            "login": user.username,
            "me": {"id": user.id, "name": user.get_full_name() or user.username, "email": user.email, "username": user.username},
            "patients": [patient(row) for row in Patient.objects.filter(owner=user).order_by("id")],
            "mappings": [mapping(row) for row in PatientDoctorMapping.objects.filter(patient__owner=user).order_by("id")],
        }
        for user in owners
    ],
    "refused": ["gone", "unusable"],
    "doctors": [doctor(row) for row in Doctor.objects.order_by("id")],
}
print(json.dumps(shown))
