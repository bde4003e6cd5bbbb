"""Everything --help says is in the man pages and the completions, and nothing that is not there.

usage: manual_test.py PROGRAM
"""
import importlib.machinery
import importlib.util
import re
import sys

import tree

LOADER = importlib.machinery.SourceFileLoader("completions", str(tree.ROOT / "tools/completions"))
completions = importlib.util.module_from_spec(importlib.util.spec_from_loader("completions", LOADER))
LOADER.exec_module(completions)

# Spelt in the page as an option of another program or as a general rule.
NOT_OURS = {"no", "version"}


def page_options(text):
    """The long options a page names, as .Fl -name or in an example."""
    found = set()
    for line in text.splitlines():
        if re.match(r"\.(It )?(Fl|Nm|Op)\b|\.It\b|\.Nm\b|\.Op\b|\.Fl\b", line) or " Fl " in line:
            found |= set(re.findall(r"(?:^|[ ,])-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)", line))
    return found - NOT_OURS


def gate_problems(program, everybodys):
    """The gate's commands share its page, or have one of their own."""
    for verb in completions.VERBS["gate"].split():
        options = completions.read_options(completions.ask(program, "gate", verb, "--help"))
        everybodys |= {o[1] for o in options}
        name = f"midwatch-gate-{verb}.1"
        if not (tree.ROOT / "man" / name).exists():
            name = "midwatch-gate.1"
        named = page_options((tree.ROOT / "man" / name).read_text())
        for _, option, _, _ in options:
            if option not in named:
                yield f"man/{name} does not mention --{option} of gate {verb}"


def problems(program):
    commands = completions.read_program(program)
    if "explain" not in commands or not commands["explain"][1]:
        yield "the test itself is broken: it reads no options from --help"
    everybodys = {o[1] for _, options in commands.values() for o in options}
    yield from gate_problems(program, everybodys)
    for name, (_, options) in commands.items():
        if name in ("help", "version"):
            continue
        page = tree.ROOT / f"man/midwatch-{name}.1"
        if not page.exists():
            yield f"man/midwatch-{name}.1 is missing"
            continue
        text, told = page.read_text(), {o[1] for o in options}
        named = page_options(text)
        for option in sorted(told - named):
            yield f"man/midwatch-{name}.1 does not mention --{option}"
        for option in sorted(named - everybodys):       # pages point at other commands too
            yield f"man/midwatch-{name}.1 mentions --{option}, which no command has"
    for name, write in (("midwatch.bash", completions.bash), ("_midwatch", completions.zsh),
                        ("midwatch.fish", completions.fish)):
        if (tree.ROOT / "packaging/completions" / name).read_text() != write(commands):
            yield (f"packaging/completions/{name} is not what --help says; run: tools/completions "
                   f"{program}")


if __name__ == "__main__":
    sys.exit(tree.report("manual", list(problems(sys.argv[1]))))
