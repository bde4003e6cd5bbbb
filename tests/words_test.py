"""No loose ends and no traces of one machine in what is tracked.

Unfinished work belongs in the tracker, and a path that exists on one computer only does not
belong in a repository.
"""
import re
import sys

import tree

# Spelt in pieces so that this file does not find itself.
LOOSE_ENDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"]) + r")\b")
MACHINE = re.compile(r"(?<![\w.])/(?:" + "|".join(["ho" + "me", "ro" + "ot", "wo" + "rk", "Us" + "ers"])
                     + r")/[A-Za-z0-9_.-]+|/tmp/(?:" + "wt|bash_" + r"jobs)\b")
# Data files are other people's words.
SKIPPED = re.compile(r"^(data/|fuzz/corpus/|LICENSE)")
BINARY = (".png", ".der", ".bin", ".gz", ".ico", ".woff2")


def problems_in(name, text):
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in (("a loose end", LOOSE_ENDS), ("a path of one machine", MACHINE)):
            found = pattern.search(line)
            if found:
                yield f"{name}:{number}: {what}: {found.group(0)}"


def main():
    wrong = "/* TO" + "DO: later */\nopen(\"/ho" + "me/me/x\");\n"
    if len(list(problems_in("self", wrong))) != 2:
        raise SystemExit("the test itself is broken: it does not see what it looks for")
    problems = []
    for name, path in tree.files():
        if SKIPPED.match(str(name)) or name.suffix in BINARY:
            continue
        problems.extend(problems_in(name, path.read_text(errors="replace")))
    return tree.report("words", problems)


if __name__ == "__main__":
    sys.exit(main())
