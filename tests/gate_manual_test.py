"""Every setting of the gate is in midwatch-gate.conf(5), under its section, and no other; every
command of it is in midwatch-gate(1) and in what shells complete."""
import re
import sys

import tree

SOURCES = ["settings", "rule", "catalogue"]
TABLE = re.compile(r"struct config_key (\w+)_keys\[\] = \{(.*?)\n\};", re.S)
KEY = re.compile(r'(?:\b[A-Z]+\(|\{ )"([a-z0-9-]+)"')
SECTION = re.compile(r"^\.Ss (.+)$")
ITEM = re.compile(r"^\.It Ic ([a-z0-9-]+)\b")
TOP = "Top level"


def coded():
    found = set()
    for name in SOURCES:
        text = (tree.ROOT / f"src/gate/policy/{name}.c").read_text()
        for table, body in TABLE.findall(text):
            section = TOP if table == "settings" else table
            found |= {(section, key) for key in KEY.findall(body)}
    return found


def written(text):
    found, section = set(), None
    for line in text.splitlines():
        named, item = SECTION.match(line), ITEM.match(line)
        if named:
            section = named.group(1)
        elif item:
            found.add((section, item.group(1)))
    return found


def problems():
    have = coded()
    told = written((tree.ROOT / "man/midwatch-gate.conf.5").read_text())
    if (TOP, "listen") not in have or ("rule", "names") not in have or len(have) < 80:
        yield "the test itself is broken: it does not find the settings in the sources"
    for section, key in sorted(have - told):
        yield f"man/midwatch-gate.conf.5: under \"{section}\", {key} is missing"
    for section, key in sorted(told - have, key=str):
        yield f"man/midwatch-gate.conf.5: under \"{section}\", {key} is no setting"


def command_problems():
    """Of the table in gate.c."""
    code = (tree.ROOT / "src/gate/parent/gate.c").read_text()
    have = set(re.findall(r'\{ "([a-z-]+)", \w+_command \}', code))
    page = (tree.ROOT / "man/midwatch-gate.1").read_text()
    listed = (tree.ROOT / "tools/completions").read_text().split('"gate":')[1].split(",\n}")[0]
    shells = set(re.findall(r"[a-z-]+", listed))
    if len(have) < 10:
        yield "the test itself is broken: it does not find the commands in the sources"
    for command in sorted(have):
        if not re.search(rf"^\.It Cm {command}( |$)", page, re.M):
            yield f"man/midwatch-gate.1: the command {command} is missing"
    for command in sorted(have ^ shells):
        yield f"tools/completions: {command} is in one of its list and gate.c alone"


if __name__ == "__main__":
    sys.exit(tree.report("gate manual", [*problems(), *command_problems()]))
