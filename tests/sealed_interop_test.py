"""Our MLS in live groups with another implementation (ts-mls, from npm): tests/interop.

sealed_interop_test.py SOURCE_DIR-relative BUILD PEER: installs what package.json names into the
build tree, once, and plays the scripts.  Exits 77 without Node 18 or npm, or when the packages
cannot be had.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIP = 77

# Where version 1.6.4 departs from RFC 9420 in a way that no caller can mend: file, what it says,
# what it should say.  (What callers can mend, interop.mjs does.)
CORRECTIONS = [
    # 7.9.2, 12.4.3.1: every non-blank node between an unmerged leaf and the node that lists it
    # lists it too.  It asks instead that all nodes up to the root have the very same list, and so
    # refuses most trees that anybody was added to.
    ("ts-mls/dist/src/clientState.js",
     "if (!arraysEqual(dpNode.parent.unmergedLeaves, n.parent.unmergedLeaves))",
     "if (dp.indexOf(parentIdx) < dp.indexOf(toNodeIndex(i)) && "
     "!dpNode.parent.unmergedLeaves.includes(unmergedLeaf))"),
    # 7.4, 7.5: the commit secret follows the path secret of the last node of the filtered direct
    # path.  It goes on to the root even where that is filtered out, and derives once too often.
    ("ts-mls/dist/src/pathSecrets.js",
     "const rootSecret = path[rootIndex];",
     "let top = nodeIndex; while (top !== rootIndex) { "
     "const next = findFirstNonBlankAncestor(tree, top); "
     "if (tree[next] === undefined) break; top = next; } const rootSecret = path[top];"),
    # The same where it follows a path.
    ("ts-mls/dist/src/processMessages.js",
     "import { findBlankLeafNodeIndex, addLeafNode }",
     "import { findBlankLeafNodeIndex, addLeafNode, findFirstNonBlankAncestor }"),
    ("ts-mls/dist/src/processMessages.js",
     "const rootSecret = pathSecrets[rootIndex];",
     "let top = toNodeIndex(secret.nodeIndex); while (top !== rootIndex) { "
     "const next = findFirstNonBlankAncestor(tree, top); "
     "if (tree[next] === undefined) break; top = next; } const rootSecret = pathSecrets[top];"),
]

HERE = pathlib.Path(__file__).resolve().parent / "interop"


def node_version():
    """0: there is no node."""
    node = shutil.which("node")
    if node is None:
        return 0
    out = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60,
                         check=False).stdout
    found = re.match(r"v(\d+)", out)
    return int(found.group(1)) if found else 0


def install(room):
    """package.json's packages in room; false: they cannot be had."""
    room.mkdir(parents=True, exist_ok=True)
    want = {name: (HERE / name).read_bytes() for name in ("package.json", "package-lock.json")}
    done = room / "installed"
    mark = want["package-lock.json"] + repr(CORRECTIONS).encode()
    if done.exists() and done.read_bytes() == mark:
        return True
    for name, text in want.items():
        (room / name).write_bytes(text)
    got = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts",
                          "--install-links"], cwd=room, capture_output=True, text=True,
                         timeout=240, check=False)
    if got.returncode != 0:
        print(got.stderr.strip()[-2000:])
        return False
    for name, old, new in CORRECTIONS:
        file = room / "node_modules" / name
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit(f"{name} does not say what is to be corrected: {old}")
        file.write_text(text.replace(old, new), encoding="utf-8")
    done.write_bytes(mark)
    return True


def main():
    """Plays everything once."""
    build, peer = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    if node_version() < 18 or shutil.which("npm") is None:
        print("skipped: Node 18 and npm are wanted")
        return SKIP
    room = build.resolve() / "interop"
    if not install(room):
        print("skipped: the packages of tests/interop/package.json cannot be had")
        return SKIP
    # A module finds its packages beside itself.
    script = room / "interop.mjs"
    script.write_bytes((HERE / "interop.mjs").read_bytes())
    command = ["node", "--no-warnings", str(script), str(peer)]
    seed = os.environ.get("INTEROP_SEED")
    if seed:
        command += ["--seed", seed]
    return subprocess.run(command, timeout=800, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
