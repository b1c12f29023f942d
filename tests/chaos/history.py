"""People who write while something breaks, and what must be true of it afterwards.

Each write has a mark of its own. Afterwards the tables and the audit are read, and compared with what each client was
answered: what was acknowledged is there, with exactly one row of the audit, by the right actor, in its order; what was not
is whole, or absent; and each patient is what its audit makes of it.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter

PASSWORD = "StrongPass123"
PATIENT = {"first_name": "John", "last_name": "Doe", "date_of_birth": "1990-01-01", "gender": "M"}
DOCTORS = 40
ACTIONS = {"POST": "INSERT", "PUT": "UPDATE", "PATCH": "UPDATE", "DELETE": "DELETE"}


class Client:
    """One connection of somebody, kept while it lasts."""

    def __init__(self, port, token=None):
        self.port, self.connection = port, None
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method, path, body=None):
        """The status (None: no answer), the body, the headers, and the seconds."""
        begun = time.monotonic()
        try:
            self.connection = self.connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
            self.connection.request(method, path, json.dumps(body) if body else None, headers)
            response = self.connection.getresponse()
            answer = response.status, response.read(), response.headers
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection, answer = None, (None, b"", {})
        return *answer, time.monotonic() - begun


class Writes:
    """All that was asked and answered."""

    def __init__(self, port, people=12, readers=2):
        self.operations, self.statuses, self.longest = [], Counter(), 0.0
        self.numbers, self.stops = itertools.count(1), threading.Event()
        self.port = port
        self.people = [self.register(number) for number in range(people)]
        first = Client(port, self.people[0][1])
        for number in range(DOCTORS):
            doctor = {"first_name": "Emily", "last_name": f"Carter {number}", "specialty": "Cardiology"}
            assert first.send("POST", "/api/doctors/", doctor)[0] == 201
        self.broken = []
        self.threads = [threading.Thread(target=self.watched, args=person) for person in self.people]
        self.threads += [threading.Thread(target=self.read, args=person) for person in self.people[:readers]]

    def register(self, number):
        email = f"person.{number}@example.com".replace(" ", ".")
        account = {"name": f"Person {number}", "email": email, "password": PASSWORD}
        nobody = Client(self.port)
        status, body, *_ = nobody.send("POST", "/api/auth/register/", account)
        assert status == 201, body
        user = json.loads(body)["id"] if "id" in json.loads(body) else json.loads(body)["user"]["id"]
        return user, json.loads(nobody.send("POST", "/api/auth/login/", account)[1])["access"]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stops.set()
        for thread in self.threads:
            thread.join()

    def seen(self, status, seconds):
        self.statuses[status or "none"] += 1
        self.longest = max(self.longest, seconds)
        if status is None:
            time.sleep(0.02)

    def watched(self, user, token):
        try:
            self.write(user, token)
        except Exception as error:
            self.broken.append(repr(error))

    def write(self, user, token):
        client, patients, pairs = Client(self.port, token), [], set()
        while not self.stops.is_set():
            mark = f"mark {next(self.numbers)}"
            method = random.choice(("POST", "PUT", "PATCH", "PATCH", "DELETE", "MAP")) if len(patients) > 3 else "POST"
            patient = random.choice(patients) if method != "POST" else None
            path, body, table = f"/api/patients/{patient}/", {**PATIENT, "medical_history": mark}, "patients"
            if method == "POST":
                path = "/api/patients/"
            elif method == "PATCH":
                body = {"medical_history": mark}
            elif method == "DELETE":
                patients.remove(patient)
                body, mark = None, f"delete {patient}"
            elif method == "MAP":
                doctor = random.randint(1, DOCTORS)
                if (patient, doctor) in pairs:
                    continue
                pairs.add((patient, doctor))
                method, path, table = "POST", "/api/mappings/", "patient_doctor_mappings"
                body, mark = {"patient": patient, "doctor": doctor}, f"map {patient} {doctor}"
            status, answer, headers, seconds = client.send(method, path, body)
            self.seen(status, seconds)
            self.operations.append((mark, table, ACTIONS[method], user, status, headers.get("X-Request-Id")))
            if status == 201 and table == "patients":
                patients.append(json.loads(answer)["id"])

    def read(self, user, token):
        client = Client(self.port, token)
        while not self.stops.is_set():
            status, *_, seconds = client.send("GET", "/api/patients/?limit=5")
            self.seen(status, seconds)
            time.sleep(0.005)

    def acknowledged(self):
        return sum(1 for operation in self.operations if (operation[4] or 500) < 300)

    def faults(self, postgres):
        """What is not as it must be, in words."""
        users = {user for user, _ in self.people}
        assert self.acknowledged() > 50, f"only {self.acknowledged()} writes were acknowledged: {dict(self.statuses)}"
        assert not self.broken, f"a writer ended: {self.broken}"
        audit = postgres.rows("""select id, table_name, row_id, action, actor_id, request_id, old_values, new_values
            from audit_log where table_name in ('patients', 'patient_doctor_mappings') order by id""")
        written, faults = {}, []
        for row in audit:
            written.setdefault(mark_of(row), []).append(row)
        # a mapping that goes with its patient has no operation of its own
        cascaded = {("patient_doctor_mappings", "DELETE")}
        asked = {operation[0] for operation in self.operations}
        for row in audit:
            if mark_of(row) not in asked and (row["table_name"], row["action"]) not in cascaded:
                faults.append(f"nobody asked for audit row {row['id']}")
            if row["actor_id"] not in users:
                faults.append(f"audit row {row['id']} has a stranger as actor")
        for mark, table, action, user, status, request in self.operations:
            rows = written.get(mark, [])
            if len(rows) > 1:
                faults.append(f"{mark}: {len(rows)} rows of the audit")
            if status and status < 300 and not rows:
                faults.append(f"{mark}: answered {status}, and lost")
            if status and 400 <= status < 500:
                # nobody asks for what is not there, unless an earlier request without an answer was stored
                faults += [f"{mark}: answered {status}, and stored"] if rows else []
                faults += [f"{mark}: answered {status}"] if status != 404 else []
            for row in rows:
                if (row["table_name"], row["action"], row["actor_id"]) != (table, action, user):
                    faults.append(f"{mark}: stored as something else, or by somebody else")
                if request and row["request_id"] != request:
                    faults.append(f"{mark}: another request in the audit")
        return faults + out_of_order(self.operations, written) + not_as_audited(audit, postgres)


def mark_of(row):
    values = row["new_values"] or {}
    if row["table_name"] == "patient_doctor_mappings":
        whole = row["new_values"] or row["old_values"]
        return f"map {whole['patient_id']} {whole['doctor_id']}" if row["action"] == "INSERT" else "a mapping that went"
    return f"delete {row['row_id']}" if row["action"] == "DELETE" else values.get("medical_history")


def out_of_order(operations, written):
    """Each person waits for an answer before the next request, so what is acknowledged is stored in that order."""
    faults, last = [], {}
    for mark, _, _, user, status, _ in operations:
        rows = written.get(mark, [])
        if rows and status and status < 300:
            if rows[0]["id"] < last.get(user, 0):
                faults.append(f"{mark}: stored before what was acknowledged earlier")
            last[user] = rows[0]["id"]
    return faults


def not_as_audited(audit, postgres):
    """Each patient is what the rows of the audit make of it, one after the other."""
    made, faults = {}, []
    for row in audit:
        if row["table_name"] != "patients":
            continue
        before = made.get(row["row_id"])
        for name, value in (row["old_values"] or {}).items():
            if before is None or before[name] != value:
                faults.append(f"patient {row['row_id']}: audit row {row['id']} changes what was not there")
        after = {**(before or {}), **(row["new_values"] or {})}
        made[row["row_id"]] = None if row["action"] == "DELETE" else after
    there = {row["id"]: row for row in postgres.rows("select * from patients")}
    for number, patient in made.items():
        stored = there.pop(number, None)
        if patient and (stored is None or any(stored.get(name) != value for name, value in patient.items())):
            faults.append(f"patient {number}: not as the audit has it")
        if patient is None and stored:
            faults.append(f"patient {number}: deleted in the audit, and there")
    faults += [f"patient {number}: not in the audit" for number in there]
    halves = postgres.value("""select count(*) from patient_doctor_mappings m where not exists (select from audit_log a
        where a.table_name = 'patient_doctor_mappings' and a.row_id = m.id and a.action = 'INSERT')""")
    faults += [f"{halves} mappings without a row of the audit"] if halves != "0" else []
    return faults + mappings_not_as_audited(audit, there_now={row["id"] for row in postgres.rows("select id from patients")},
                                            mappings={row["id"] for row in postgres.rows("select id from patient_doctor_mappings")})


def mappings_not_as_audited(audit, there_now, mappings):
    """Mappings are made by requests, and go with their patients alone."""
    faults, made = [], {}
    for row in audit:
        if row["table_name"] == "patient_doctor_mappings":
            made[row["row_id"]] = None if row["action"] == "DELETE" else row["new_values"]["patient_id"]
            if row["action"] == "DELETE" and row["old_values"]["patient_id"] in there_now:
                faults.append(f"mapping {row['row_id']}: gone, and its patient is there")
    for number, patient in made.items():
        if (patient is not None) != (number in mappings):
            faults.append(f"mapping {number}: not as the audit has it")
    return faults
