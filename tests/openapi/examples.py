"""Whether every example of an OpenAPI document is one of its schema, and every answer but an empty one has an example."""

import json
import sys
import urllib.request

from jsonschema_rs import Draft202012Validator

document = json.load(urllib.request.urlopen(sys.argv[1]))
count = 0


def resolved(part):
    while "$ref" in part:
        reference, part = part["$ref"], document
        for key in reference.removeprefix("#/").split("/"):
            part = part[key]
    return part


def check(where, content):
    global count
    examples = [content["example"]] if "example" in content else []
    examples += [example["value"] for example in content.get("examples", {}).values()]
    assert examples, f"{where}: no example"
    schema = {**content["schema"], "components": document["components"]}
    validator = Draft202012Validator(schema, validate_formats=True)
    for example in examples:
        validator.validate(example)
        count += 1


for path, item in document["paths"].items():
    for method, operation in item.items():
        where = f"{method.upper()} {path}"
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            check(f"{where} {media_type}", content)
        for status, response in operation["responses"].items():
            for media_type, content in resolved(response).get("content", {}).items():
                check(f"{where} {status} {media_type}", content)
statuses = sum(len(operation["responses"]) for item in document["paths"].values() for operation in item.values())
operations = sum(map(len, document["paths"].values()))
print(f"{operations} operations, {statuses} answers, {count} examples: all as their schemas say")
