"""Vectors with one value altered fail: midwatch-vectors looks at all that a vector says.

usage: sealed_altered.py PROGRAM [FOLDER]
Takes a small case of each file and alters its values one by one: the last digit of hex text (of
messages.json, where only the form counts, the last byte is cut off), numbers by one.  Each
altered case must fail (or be skipped, when there is no such suite), and say where; IGNORED are the
values that the formats say nothing about or that mean the same when altered.
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import tree

CUT = "messages.json"
MOST = 100              # values of a case that are altered, spread over it;
MOST_BYTES = 8 << 20    # fewer of a large one
FILES = ("mls/*.json", "rfc9180-appendix-A.json", "sframe-rfc9605.json")
SKIPPED = 77

# File, path in the case (a pattern), and why an altered value may pass.
IGNORED = (
    ("psk_secret.json", "cipher_suite", "suites 1 and 2 have the same hash"),
    ("secret-tree.json", "cipher_suite", "suites 1 and 2 have the same hash and AEAD"),
    ("secret-tree.json", r"sender_data\.ciphertext", "only its first bytes are sampled (6.3.2)"),
    ("tree-operations.json", "proposal", "its last byte is a signature, not looked at here"),
    ("tree-operations.json", "proposal_sender", "says something in an update only"),
    ("rfc9180-appendix-A.json", "suite", "the suite's name, for people"),
)


def values(node, path=""):
    """Paths and places of all values below a case: (path, container, key)."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        name = f"{path}[{key}]" if isinstance(node, list) else f"{path}.{key}".lstrip(".")
        if isinstance(value, (dict, list)):
            yield from values(value, name)
        else:
            yield name, node, key


def altered(value, cut):
    """The value, but another; None: there is no such."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value + 1 if value < 2**53 else value - 1
    if cut:
        return value[:-2]
    if re.fullmatch(r"([0-9a-f]{2})+", value):
        return value[:-1] + "0123456789abcdef"[int(value[-1], 16) ^ 1]
    return value + "x" if value else None


def altered_cases(case, cut):
    """Copies of the case with one value altered in each: (name, copy)."""
    all_values = [(name, i) for i, (name, _, _) in enumerate(values(case))]
    most = max(1, min(MOST, MOST_BYTES // len(json.dumps(case))))
    for name, i in all_values[::len(all_values) // most + 1]:
        other = copy.deepcopy(case)
        _, container, key = list(values(other))[i]
        new = altered(container[key], cut)
        if new is not None:
            container[key] = new
            yield name, other


def cases_of(whole):
    """A case of each list of a file, a small one but not the smallest: where, case."""
    sections = whole.items() if isinstance(whole, dict) else [("", whole)]
    for section, cases in sections:
        yield section, sorted(cases, key=lambda c: len(json.dumps(c)))[len(cases) // 4]


def passed_altered(program, path, folder):
    """The values of a file that can be altered without its failing."""
    for section, case in cases_of(json.loads(path.read_text())):
        names, copies = zip(*altered_cases(case, path.name == CUT))
        name = pathlib.Path(folder, path.name)
        name.write_text(json.dumps({section: copies} if section else copies))
        kind = subprocess.run([program, path], stdout=subprocess.PIPE, text=True).stdout.split(": ")[1]
        done = subprocess.run([program, "--kind", kind, name], stdout=subprocess.PIPE, text=True)
        told = {int(n) for n in re.findall(r": case (\d+)", done.stdout)}
        counts = re.search(r"^total: (\d+) run, (\d+) passed, (\d+) failed, (\d+) skipped$",
                           done.stdout, re.MULTILINE)
        if counts is None or done.returncode not in (0, 1) or int(counts[3]) + int(counts[4]) != len(told):
            raise SystemExit(f"{path.name}: broken off, or failures that are not told:\n{done.stdout}")
        print(f"{path.name}: {section} {len(copies)} altered, {len(told)} failed or skipped")
        yield from (f"{section}.{n}".lstrip(".") for i, n in enumerate(names) if i not in told)


def main():
    program = sys.argv[1]
    vectors = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else tree.ROOT.parent / "shared/vectors"
    files = [name for pattern in FILES for name in sorted(vectors.glob(pattern))]
    if not files:
        print(f"no vectors in {vectors}")
        return SKIPPED
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            for name in passed_altered(program, path, folder):
                if not any(path.name == f and re.fullmatch(p, name) for f, p, _ in IGNORED):
                    problems.append(f"{path.name}: {name} can be altered and the case still passes")
    return tree.report("altered vectors", problems)


if __name__ == "__main__":
    sys.exit(main())
