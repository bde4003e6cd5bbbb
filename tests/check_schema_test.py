"""The JSON of midwatch check is what docs/schema/midwatch.check-1.schema.json says.

usage: check_schema_test.py JSON_PRINT...

Each argument is a program that prints lines of JSON.  The schema is proved able to fail by
feeding it lines that were damaged on purpose.
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

SCHEMA = "docs/schema/midwatch.check-1.schema.json"


def validator():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def damaged(line):
    """The line with one thing wrong, many times over."""
    for key in line:
        copied = copy.deepcopy(line)
        del copied[key]
        yield "without " + key, copied
    for key, value in (("schema", "midwatch.check/2"), ("verdict", "fine"), ("exit", 4),
                       ("surprise", 1), ("at", "yesterday"), ("readers", {})):
        copied = copy.deepcopy(line)
        copied[key] = value
        yield "with %s = %r" % (key, value), copied
    if line.get("findings"):
        copied = copy.deepcopy(line)
        copied["findings"][0]["severity"] = "dire"
        yield "with a dire finding", copied


def main():
    check = validator()
    lines = []
    for program in sys.argv[1:]:
        out = subprocess.run([program], check=True, capture_output=True, timeout=60).stdout
        lines += [json.loads(line) for line in out.decode("utf-8").splitlines()]
    problems = []
    for line in lines:
        for error in check.iter_errors(line):
            problems.append("%s: %s" % (line["target"]["typed"], error.message))
            for deeper in error.context or []:
                problems.append("    %s %s" % (list(deeper.absolute_path), deeper.message))
    for line in lines:
        if "verdict" not in line:
            continue
        for what, copied in damaged(line):
            if check.is_valid(copied):
                problems.append("the schema takes a line " + what)
    verdicts = {line.get("verdict") for line in lines}
    wanted = {"private", "inspected", "untrusted", "blocked", "unreachable", None}
    if verdicts != wanted:
        problems.append("not every verdict was seen: %s" % verdicts)
    for problem in problems:
        print(problem)
    print("check_schema: %d lines, %s" % (len(lines), "%d problems" % len(problems)
                                          if problems else "no problems"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
