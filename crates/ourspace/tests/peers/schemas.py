"""Judges answers by their schemas. Reads {"schemas": folder, "answers": [[name, value], ...]}
from standard input, writes a list of what is wrong: [name, path, message]."""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

request = json.load(sys.stdin)
schemas = {}
for path in sorted(pathlib.Path(request["schemas"]).glob("*.json")):
    schema = json.loads(path.read_text(encoding="utf-8"))
    # Schemas name each other by the names of their files.
    schema.setdefault("$id", f"urn:ourspace:schema:{path.stem}")
    Draft202012Validator.check_schema(schema)
    schemas[path.stem] = schema
resources = [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
registry = Registry().with_resources(resources)
formats = Draft202012Validator.FORMAT_CHECKER
wrong = []
for name, value in request["answers"]:
    validator = Draft202012Validator(schemas[name], registry=registry, format_checker=formats)
    for error in validator.iter_errors(value):
        wrong.append([name, error.json_path, error.message])
json.dump(wrong, sys.stdout)
