"""Logs everybody in with the old password, and compares what the server shows with what Django did: check.py SHOWN."""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

shown = json.load(open(sys.argv[1]))
server = os.environ["SERVER"]


def ask(path, body=None, token=None, status=200):
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(server + path, json.dumps(body).encode() if body else None, headers)
    try:
        answer = urlopen(request)
    except HTTPError as error:
        answer = error
    text = answer.read().decode()
    assert answer.status == status, f"{path}: {answer.status} {text}"
    return json.loads(text)


def log_in(login, password, status=200):
    return ask("/api/auth/login/", {"username": login, "password": password}, status=status).get("access")


def same(old, new):
    """The new rows say all that the old ones said."""
    assert len(old) == len(new), f"{len(old)} rows have become {len(new)}"
    for before, after in zip(old, new):
        differences = {key: (value, after.get(key)) for key, value in before.items() if after.get(key) != value}
        assert not differences, differences


for user in shown["users"]:
    log_in(user["login"], shown["password"] + "4", status=401)
    for _ in range(2):
        token = log_in(user["login"], shown["password"])
    assert ask("/api/auth/me/", token=token) == user["me"]
    same(user["patients"], ask("/api/patients/", token=token))
    same(user["mappings"], ask("/api/mappings/", token=token))
    same(shown["doctors"], ask("/api/doctors/", token=token))
for login in shown["refused"]:
    log_in(login, shown["password"], status=401)
new = {"first_name": "New", "last_name": "One", "date_of_birth": "1990-01-01", "gender": "F"}
made = ask("/api/patients/", new, token, status=201)
assert made["id"] > max(row["id"] for user in shown["users"] for row in user["patients"]), made
print(f"{len(shown['users'])} users log in with their old passwords, and see their {shown['rows']['patients']} patients under the same ids")
