"""Every #include below src/ is one that tools/layers.txt allows.

Tests (*_test.c) may reach up and sideways for their fixtures; public headers are free to all.
The test first holds itself to a few wrong includes, so that it cannot pass by looking away.
"""
import re
import sys

import tree

# The outside libraries we know, by how their headers begin.  Whatever else stands in <> must
# be one of the C or POSIX headers below: a new dependency is a line in both places.
LIBRARIES = {
    "openssl": r"openssl/", "uv": r"uv\.h$|uv/", "ares": r"ares(_\w+)?\.h$", "sqlite3": r"sqlite3\.h$",
    "jansson": r"jansson\.h$", "libpsl": r"libpsl\.h$", "idn2": r"idn2\.h$",
    "nghttp2": r"nghttp2/", "seccomp": r"seccomp\.h$", "crypt": r"crypt\.h$", "sodium": r"sodium\.h$",
}
SYSTEM = re.compile(
    r"(assert|ctype|dirent|errno|fcntl|float|getopt|grp|ifaddrs|inttypes|langinfo|libgen|limits|"
    r"locale|malloc|math|netdb|poll|pthread|pwd|sched|setjmp|signal|spawn|stdalign|stdarg|stdatomic|"
    r"stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|termios|time|unistd|"
    r"wchar)\.h$|(arpa|net|netinet|sys|linux)/\w+\.h$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_rules():
    rules = {}
    for line in (tree.ROOT / "tools/layers.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        folder, rest = words[0], words[1:]
        low = [w for w in rest if w in rules]
        libraries = [w for w in rest if w in LIBRARIES]
        strange = [w for w in rest if w not in low and w not in libraries and w != "-"]
        if strange:
            raise SystemExit(f"tools/layers.txt: {folder}: neither a lower folder nor a library: "
                             + " ".join(strange))
        rules[folder] = ({folder, *low}, set(libraries))
    return rules


def why_not(rules, folder, quote, name):
    """What is wrong with this include in this folder, None if it is allowed."""
    if folder not in rules:
        return f"src/{folder} has no line in tools/layers.txt"
    folders, libraries = rules[folder]
    if name.startswith("midwatch/"):
        return None
    if quote == '"':
        if "/" not in name:
            return f'"{name}" does not say its folder'
        above = name.rpartition("/")[0]
        return None if above in folders else f"src/{folder} may not include from src/{above}"
    for library, pattern in LIBRARIES.items():
        if re.match(pattern, name):
            return None if library in libraries else f"src/{folder} may not use {library}"
    return None if SYSTEM.match(name) else f"<{name}> is no library we know"


def problems_in(rules, name, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        why = found and why_not(rules, "/".join(name.parts[1:-1]), *found.groups())
        if why:
            yield f"{name}:{number}: {why}"


def main():
    rules = read_rules()
    for folder, quote, name in (("base", '"', "trust/cert.h"), ("http", "<", "openssl/ssl.h"),
                                ("trust", '"', "net/sock.h"), ("base", "<", "boost/any.h"),
                                ("nowhere", "<", "stdio.h"), ("base", '"', "buf.h"),
                                ("gate/bridge", '"', "gate/forge/forge.h")):
        if why_not(rules, folder, quote, name) is None:
            raise SystemExit(f"the test itself is broken: {folder} may include {name}")
    problems = []
    for name, path in tree.files(".c", ".h"):
        if name.parts[0] == "src" and not name.name.endswith("_test.c"):
            problems.extend(problems_in(rules, name, path.read_text()))
    return tree.report("layers", problems)


if __name__ == "__main__":
    sys.exit(main())
