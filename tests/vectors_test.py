"""midwatch-vectors tells kinds apart, counts, and says where and what is wrong, in one line.

usage: vectors_test.py PROGRAM
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import tree


def node_tables(leaves):
    """A tree-math vector, from trees that are built and not computed (RFC 9420 4.1)."""
    width = 2 * leaves - 1
    tables = {name: [None] * width for name in ("left", "right", "parent", "sibling")}

    def build(first, last):
        """The node above the leaves first to last; its children know it."""
        if first == last:
            return 2 * first
        middle = (first + last) // 2
        left, right, node = build(first, middle), build(middle + 1, last), 2 * middle + 1
        tables["left"][node], tables["right"][node] = left, right
        tables["parent"][left] = tables["parent"][right] = node
        tables["sibling"][left], tables["sibling"][right] = right, left
        return node

    root = build(0, leaves - 1)
    return {"n_leaves": leaves, "n_nodes": width, "root": root, **tables}


class Bench:
    """A folder of files, and what the program says about them."""

    def __init__(self, program, folder):
        self.program, self.folder, self.problems = program, pathlib.Path(folder), []

    def file(self, name, content):
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def says(self, what, args, status, *wanted):
        done = subprocess.run([self.program, *map(str, args)], capture_output=True, timeout=60)
        text = (done.stdout + done.stderr).decode(errors="replace").replace(f"{self.folder}/", "")
        missing = [w for w in wanted if w not in text]
        if done.returncode != status or missing:
            self.problems.append(f"{what}: exit {done.returncode} instead of {status}, "
                                 f"without {missing}:\n{text}")
        return text

    def case(self, what, content, status, *wanted):
        return self.says(what, [self.file("x.json", content)], status, *wanted)


def without(case, field):
    return {k: v for k, v in case.items() if k != field}


def good(b):
    trees = [node_tables(n) for n in (1, 2, 4, 8, 64)]
    b.case("a list", trees, 0, "x.json: tree-math: 5 run, 5 passed, 0 failed, 0 skipped",
           "total: 5 run, 5 passed, 0 failed, 0 skipped")
    b.case("one case", trees[2], 0, "tree-math: 1 run, 1 passed")
    lengths = [{"vlbytes_header": h, "length": n} for h, n in
               (("00", 0), ("3f", 63), ("4040", 64), ("7fff", 16383), ("80004000", 16384),
                ("bfffffff", 2**30 - 1))]
    b.case("lengths", lengths, 0, "deserialization: 6 run, 6 passed")
    headers = [{"kid": 0, "ctr": 0, "encoded": "00"},
               {"kid": 2**64 - 1, "ctr": 2**64 - 1, "encoded": "ff" + "f" * 32}]
    b.case("an object of lists, numbers of 64 bits", {"header": headers, "sframe": []}, 0,
           "sframe: 2 run, 2 passed")
    two = b.file("two.json", trees[:2])
    b.says("two files", [b.file("x.json", lengths), two], 0, "x.json: deserialization: 6 run",
           "two.json: tree-math: 2 run", "total: 8 run, 8 passed")
    b.says("the kind said", ["--kind", "tree-math", two], 0, "2 passed")


def wrong(b):
    trees = [node_tables(n) for n in (2, 4)]
    for table, index, value, words in (
            ("left", 1, 4, "x.json: case 1: left[1]: node: expected 4, got 0"),
            ("parent", 0, None, "x.json: case 1: parent[0]: null or missing"),
            ("parent", 3, 1, "x.json: case 1: parent[3]: a number or missing"),
            ("sibling", 6, 3, "x.json: case 1: sibling[6]: node: expected 3, got 4")):
        bad = json.loads(json.dumps(trees))
        bad[1][table][index] = value
        b.case(f"{table}[{index}]", bad, 1, words, "2 run, 1 passed, 1 failed")
    for field in trees[1]:
        if field not in ("n_leaves", "n_nodes"):
            b.case(f"no {field}", [trees[0], without(trees[1], field)], 1,
                   f"x.json: case 1: {field}: missing")
    b.case("a number too large", [dict(trees[0], root=2**32)], 1, "case 0: root: a whole number")
    b.case("a negative one", [dict(trees[0], root=-1)], 1, "case 0: root: a whole number")
    b.case("no power of two", [dict(trees[0], n_leaves=3)], 1, "n_leaves: 3 is no power of two")
    b.case("text for a list", [dict(trees[0], left="x")], 1, "case 0: left: a list expected")
    for text, words in (("0", "not hex, or half a byte"), ("0g", "not hex"), (7, "hex text"),
                        ("4000", "a length and nothing else"), ("c0", "a length and nothing"),
                        ("0000", "a length and nothing else"), ("01", "length: expected 0, got 1"),
                        (None, "hex text expected"), ("", "a length and nothing else")):
        b.case(f"header {text!r}", [{"vlbytes_header": text, "length": 0}], 1,
               "case 0: ", words)
    b.case("a case that is none", [trees[0], 7], 1, "case 1: an object expected")
    b.case("a list in a list", [trees[0], []], 1, "case 1: an object expected")


def unreadable(b):
    b.case("no JSON", '[\n {"n_leaves": 1,}]', 1, "x.json:2:", "no JSON")
    b.case("empty", "", 1, "x.json: an empty file")
    b.case("cut short", json.dumps([node_tables(4)])[:-9], 1, "no JSON")
    b.case("bytes", b"\x00\xff\x00", 1, "no JSON")
    b.case("deep", "[" * 100000, 1, "no JSON")
    b.case("twice the same field", '[{"n_leaves": 1, "n_leaves": 2}]', 1, "no JSON", "n_leaves")
    b.case("an empty list", [], 1, "x.json: an empty list")
    b.case("an empty object", {}, 1, "x.json: no kind of vectors that we know; say which with")
    b.case("something else", [{"what": 1}], 1, "no kind of vectors that we know")
    b.case("a number", "7", 1, "no JSON")
    two = b.file("two.json", [node_tables(2)])
    b.says("no file", [b.folder / "none.json", two], 1, "none.json: No such file",
           "two.json: tree-math: 1 run, 1 passed", "1 of 2 files could not be run")
    b.says("a folder", [b.folder], 1, "directory")
    b.says("the wrong kind", ["--kind", "deserialization", two], 1,
           "two.json: case 0: vlbytes_header: missing")


def usage(b):
    b.says("help", ["--help"], 0, "usage: midwatch-vectors", "--kind", "--list")
    kinds = b.says("list", ["--list"], 0, "tree-math", "passive-client", "sframe").split()
    if sorted(kinds) != kinds or len(kinds) != len(set(kinds)):
        b.problems.append(f"--list is out of order: {kinds}")
    b.says("nothing", [], 2, "no files given")
    b.says("no such kind", ["--kind", "trees", "x"], 2, '"trees" is none of those that --list')
    b.says("no such option", ["--verbose"], 2, "--verbose")


def manual(b):
    """The page has every option and every kind, in the order of --list."""
    page = (tree.ROOT / "man/midwatch-vectors.1").read_text()
    wanted = re.findall(r"--([a-z]+)", b.says("help", ["--help"], 0))
    missing = [o for o in wanted if f"Fl -{o}" not in page and f", -{o}" not in page]
    kinds = re.search(r"\.Sh KINDS\n(.*?)\n\.El", page, re.DOTALL)[1]
    if missing or len(wanted) < 3:
        b.problems.append(f"man/midwatch-vectors.1 does not mention {missing} of {wanted}")
    if re.findall(r"^\.It (.*)", kinds, re.MULTILINE) != b.says("list", ["--list"], 0).split():
        b.problems.append("man/midwatch-vectors.1: other kinds than --list names")


def safe(b):
    """What a file says is not let loose on a terminal, nor are secrets of any length printed whole."""
    text = b.case("escapes", [dict(node_tables(2), root="\x1b[31m\u202ered")], 1, "root: a whole")
    if "\x1b" in text:
        b.problems.append("an escape sequence reached the terminal")
    b.case("a long difference", [{"vlbytes_header": "40" * 5000, "length": 64}], 1, "case 0")


def main():
    with tempfile.TemporaryDirectory() as folder:
        b = Bench(sys.argv[1], folder)
        for part in (good, wrong, unreadable, usage, manual, safe):
            part(b)
    return tree.report("vectors", b.problems)


if __name__ == "__main__":
    sys.exit(main())
