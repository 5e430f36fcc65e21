"""The peer of `runwarden check`: YAML files held against the JSON Schemas of their kinds, in one process.

Arguments: the folder of schemas, then files or folders. It reads with libyaml where PyYAML has it, which is its fastest way,
and makes each validator once. It looks at structure alone: no names, no types of inputs, no expressions.
"""

import json
import pathlib
import sys

import jsonschema
import yaml



class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """One that leaves times as the texts that they are in YAML 1.2."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in Loader.yaml_implicit_resolvers.items()
}
schemas, *places = map(pathlib.Path, sys.argv[1:])
files = sorted(file for place in places for file in (place.rglob("*.yaml") if place.is_dir() else [place]))
validators = {}
wrong = 0
for file in files:
    document = yaml.load(file.read_bytes(), Loader)
    kind = document["kind"]
    if kind not in validators:
        schema = json.loads((schemas / f"{kind}.schema.json").read_text())
        validators[kind] = jsonschema.Draft202012Validator(schema)
    wrong += sum(1 for _ in validators[kind].iter_errors(document))
print(f"{len(files)} files: {wrong} errors, loader {Loader.__base__.__name__}")
sys.exit(1 if wrong else 0)
