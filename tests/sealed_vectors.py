"""Every case of every published vector of MLS, HPKE and SFrame passes.  Prints the counts.

usage: sealed_vectors.py PROGRAM [FOLDER]
The vectors lie outside of the repository, in ../shared/vectors; without them the test is skipped.
"""
import pathlib
import re
import subprocess
import sys

import tree

FILES = ("mls/*.json", "rfc9180-appendix-A.json", "sframe-rfc9605.json")
SKIPPED = 77


def main():
    program = sys.argv[1]
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else tree.ROOT.parent / "shared/vectors"
    files = [name for pattern in FILES for name in sorted(folder.glob(pattern))]
    if not files:
        print(f"no vectors in {folder}")
        return SKIPPED
    done = subprocess.run([program, *map(str, files)], stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    total = re.search(r"^total: (\d+) run, (\d+) passed, (\d+) failed, (\d+) skipped$", done.stdout,
                      re.MULTILINE)
    if total is None or int(total[1]) == 0 or int(total[4]) != 0:
        print("no case was run, or some were skipped")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
