"""Measures files and functions of the C sources; see sizes_test.py and tools/sizes."""
import re

import tree

FILE, HEADER, FUNCTION, WIDTH = 599, 199, 60, 100
FOLDERS = {"src", "include", "fuzz", "bench", "tests", "examples"}
NAME = re.compile(r"(\w+)\s*\(")


def functions(text):
    """(name, first line, lines) of every function body that begins with { in column one."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line != "{":
            continue
        end = next((n for n in range(number, len(lines)) if lines[n] == "}"), None)
        start = number
        while start > 0 and lines[start - 1].strip() and not lines[start - 1].endswith((";", "}", "*/")):
            start -= 1
        named = NAME.search(" ".join(lines[start:number]))
        if end is not None and named:
            yield named.group(1), start + 1, end - start + 1


def agreed():
    """{what: (limit, reason)} where what is FILE or FILE:function."""
    out = {}
    path = tree.ROOT / "tools/sizes-agreed.txt"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3 or not words[1].isdigit():
            raise SystemExit(f"tools/sizes-agreed.txt:{number}: wants: WHAT LIMIT REASON")
        out[words[0]] = (int(words[1]), words[2])
    return out


def measure():
    """(what, lines, limit) of every file and function."""
    for name, path in tree.files(".c", ".h"):
        if name.parts[0] not in FOLDERS:
            continue
        text = path.read_text()
        limit = HEADER if name.suffix == ".h" else FILE
        yield str(name), text.count("\n"), limit
        for function, _, lines in functions(text):
            yield f"{name}:{function}", lines, FUNCTION


def layout(name, text):
    """What is wrong with its lines, whatever they say."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > WIDTH:
            yield f"{name}:{number}: over {WIDTH} columns"
        if "\t" in line:
            yield f"{name}:{number}: a tab"
        if line.endswith((" ", "\r")):
            yield f"{name}:{number}: blanks at the end"


def problems():
    for name, path in tree.files(".c", ".h"):
        yield from layout(name, path.read_text())
    exceptions = agreed()
    needed = set()
    for what, lines, limit in measure():
        if lines <= limit:
            continue
        if what in exceptions:
            needed.add(what)
            limit = exceptions[what][0]
        if lines > limit:
            yield f"{what}: {lines} lines, at most {limit}"
    for what in exceptions.keys() - needed:
        yield f"tools/sizes-agreed.txt: {what} is short enough; remove its line"
