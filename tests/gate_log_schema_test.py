"""The gate's audit log is what docs/schema says, however hostile the texts in it are.

usage: gate_log_schema_test.py GATE_LOG_PRINT

The schemas are proved able to fail by feeding them lines that were damaged on purpose.
"""
import copy
import json
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

SCHEMAS = {name: "docs/schema/midwatch.gate-%s-1.schema.json" % name for name in ("ecs", "ocsf")}


def validator(path):
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def own(line):
    return line["midwatch"] if "midwatch" in line else line["unmapped"]["midwatch"]


def damaged(line):
    """The line with one thing wrong, many times over."""
    for key in ("@timestamp", "event", "midwatch", "source", "class_uid", "time", "unmapped",
                "traffic"):
        if key in line:
            copied = copy.deepcopy(line)
            del copied[key]
            yield "without " + key, copied
    copied = copy.deepcopy(line)
    copied["surprise"] = 1
    yield "with a surprise", copied
    copied = copy.deepcopy(line)
    own(copied)["chain"]["hash"] = "0"
    yield "with a short hash", copied
    copied = copy.deepcopy(line)
    own(copied)["outcome"] = "fine"
    yield "with an unknown outcome", copied
    copied = copy.deepcopy(line)
    del own(copied)["chain"]
    yield "without its place in the chain", copied


def control_characters(line):
    return any(ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 for c in json.dumps(line, ensure_ascii=False))


def main():
    out = subprocess.run([sys.argv[1]], check=True, capture_output=True, timeout=60).stdout
    checks = {name: validator(path) for name, path in SCHEMAS.items()}
    seen = {name: 0 for name in checks}
    problems = []
    for number, text in enumerate(out.decode("utf-8").split("\n")[:-1], 1):
        line = json.loads(text)
        name = "ocsf" if "class_uid" in line else "ecs"
        seen[name] += 1
        for error in checks[name].iter_errors(line):
            problems.append("line %d: %s: %s" % (number, list(error.absolute_path), error.message))
        if control_characters(line):
            problems.append("line %d has a control character" % number)
        for what, copied in damaged(line):
            if checks[name].is_valid(copied):
                problems.append("line %d: the schema takes it %s" % (number, what))
    if min(seen.values()) < 10:
        problems.append("not enough lines were seen: %s" % seen)
    for problem in problems:
        print(problem)
    print("gate_log_schema: %s lines, %d problems" % (seen, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
