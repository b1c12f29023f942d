"""Fills README A's service by its models, and prints what its API would show to each user."""

import json
from datetime import date, datetime, timedelta, timezone

import django

django.setup()

from api.models import Doctor, Patient, PatientDoctorMapping, User
from django.contrib.auth.hashers import make_password
from rest_framework import serializers


class PatientSerializer(serializers.ModelSerializer):
    created_by = serializers.EmailField(source="created_by.email")

    class Meta:
        model = Patient
        fields = [
            "id", "first_name", "last_name", "date_of_birth", "gender", "address", "phone_number", "email",
            "medical_history", "created_by", "created_at",
        ]


class DoctorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Doctor
        fields = ["id", "first_name", "last_name", "specialty", "phone_number", "email", "license_number", "created_at"]


class MappingSerializer(serializers.ModelSerializer):
    class Meta:
        model = PatientDoctorMapping
        fields = ["id", "patient", "doctor", "assigned_at"]


HASHERS = ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"]
PASSWORD = "StrongPass123 pâssword"
joined = datetime(2021, 2, 28, 23, 59, 59, 123456, timezone.utc)

for number, hasher in enumerate(HASHERS):
    user = User.objects.create_user(f"{hasher}@Example.com", name=f"Ann {hasher} O'Hara", is_staff=number % 2 == 0)
    user.password = make_password(PASSWORD, hasher=hasher)
    user.is_superuser = number == 0
    user.date_joined = joined + timedelta(days=number)
    user.last_login = joined if number == 1 else None
    user.save()
User.objects.create_user("gone@example.com", PASSWORD, name="Gone", is_active=False)
User.objects.create_user("unusable@example.com", name="Unusable")
# ids with gaps
User.objects.filter(email="gone@example.com").update(id=1000)

owners = [user for user in User.objects.order_by("id") if user.is_active and user.has_usable_password()]
Patient.objects.bulk_create(
    Patient(
        first_name=f"Zoë {number}", last_name="O'Neil \\ \"Nil\"" if number % 5 else "", date_of_birth=date(1900 + number % 120, 2, 28),
        gender="MFO"[number % 3], address=f"{number} Health St\nTown", phone_number=f"+1 {number}",
        email=f"p{number}@example.com" if number % 7 else "", medical_history="höchst 💊\tunklar" * (number % 4),
        created_by=owners[number % len(owners)],
    )
    for number in range(2000)
)
Patient.objects.filter(id__lte=100).update(created_at=joined)
Patient.objects.filter(id__range=(500, 510)).delete()
Doctor.objects.bulk_create(
    Doctor(
        first_name="Emily", last_name=f"Carter {number}", specialty="Cardiology", phone_number="9876543210",
        email=f"Emily{number}@example.com", license_number=f"LIC{number}",
    )
    for number in range(50)
)
doctors = list(Doctor.objects.all())
PatientDoctorMapping.objects.bulk_create(
    PatientDoctorMapping(patient=patient, doctor=doctors[patient.id % 50]) for patient in Patient.objects.all()
)

shown = {
    "password": PASSWORD,
    "rows": {"users": User.objects.count(), "patients": Patient.objects.count(), "doctors": Doctor.objects.count(), "mappings": PatientDoctorMapping.objects.count()},
    "users": [
        {
            "login": user.email,
            "me": {"id": user.id, "name": user.name, "email": user.email, "username": user.email},
            "patients": PatientSerializer(user.patients.order_by("id"), many=True).data,
            "mappings": MappingSerializer(PatientDoctorMapping.objects.filter(patient__created_by=user).order_by("id"), many=True).data,
        }
        for user in owners
    ],
    "refused": ["gone@example.com", "unusable@example.com"],
    "doctors": DoctorSerializer(Doctor.objects.order_by("id"), many=True).data,
}
print(json.dumps(shown, default=str))
