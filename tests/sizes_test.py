"""Files, headers and functions are short enough to be read at once, or say why not.

Lines have at most 100 columns and no tabs.  A file is under 600 lines, a header under 200, a
function under 60.  tools/sizes-agreed.txt lists the exceptions, each with a limit and a reason; an
entry that is not needed any more is an error.
"""
import sys

import sizes


def main():
    problems = list(sizes.problems())
    # It must be able to fail: a made-up function over the limit is seen.
    long_one = "static int f(void)\n{\n" + "    g();\n" * 70 + "}\n"
    if [n for _, _, n in sizes.functions(long_one)] != [73]:
        raise SystemExit("the test itself is broken: it does not see a long function")
    if [len(list(sizes.layout("x", "y" * n))) for n in (100, 101)] != [0, 1]:
        raise SystemExit("the test itself is broken: it does not see a long line")
    import tree
    return tree.report("sizes", problems)


if __name__ == "__main__":
    sys.exit(main())
