"""What is installed works from where it is installed: the examples build with the .pc file alone.

usage: install_test.py BUILD CC MINT-CHAIN SANITIZED(0|1)
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tree


def run(*command, code=0, **more):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    output = done.stdout.decode(errors="replace")
    if done.returncode != code:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}, not {code}\n"
                         + output)
    return output


def expect(text, output):
    if text not in output:
        raise SystemExit(f'"{text}" is not in:\n{output}')


def exported(library):
    lines = run("nm", "-D", "--defined-only", library).splitlines()
    return {line.split()[2].split("@")[0] for line in lines if line.split()[1] in "TDBR"}


def archived(library):
    """Every name that a static library would put into a program."""
    lines = run("nm", "-g", "--defined-only", library).splitlines()
    return {line.split()[2] for line in lines if len(line.split()) == 3}


def promised(*headers):
    functions = set()
    for header in headers:
        text = (tree.ROOT / "include/midwatch" / header).read_text()
        functions |= set(re.findall(r"^MW_API[^;(]*?\b(mw_\w+)\(", text, re.MULTILINE))
    return functions


def check_symbols(shown, functions, at_least):
    """Exactly the functions that the headers promise are there."""
    if len(functions) < at_least:
        raise SystemExit("the test itself is broken: it reads too few functions from the headers")
    if functions - shown:
        raise SystemExit("promised, but not there: " + " ".join(sorted(functions - shown)))
    if shown - functions:
        raise SystemExit("shown, but not promised: " + " ".join(sorted(shown - functions)))


TRUST = ("trust.h", "codes.h", "types.h")


def sealed_headers():
    """What is not the trust engine's is the sealed core's."""
    return sorted(path.name for path in (tree.ROOT / "include/midwatch").glob("*.h")
                  if path.name not in TRUST)


def check_sealed(prefix, folder, cc, warn, environment):
    """libmidwatch-sealed: its names, its headers each by itself, its examples run."""
    functions = promised(*sealed_headers())
    shared = next(prefix.rglob("libmidwatch-sealed.so.0"))
    static = next(prefix.rglob("libmidwatch-sealed.a"))
    check_symbols(exported(shared), functions, 70)
    check_symbols(archived(static), functions, 70)
    ours = shlex.split(run("pkg-config", "--cflags", "--libs", "libmidwatch-sealed",
                           env=environment))
    whole = shlex.split(run("pkg-config", "--static", "--cflags", "--libs", "libmidwatch-sealed",
                            env=environment))
    whole = [str(static) if flag == "-lmidwatch-sealed" else flag for flag in whole]
    for header in sealed_headers():
        one = folder / "one.c"
        one.write_text(f"#include <midwatch/{header}>\nint one(void);\nint one(void)\n"
                       "{\n    return 0;\n}\n")
        run(cc, *warn, "-c", one, "-o", folder / "one.o", *ours, env=environment)
        for cxx in filter(shutil.which, ("c++", "clang++")):
            run(cxx, "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", one,
                *(f for f in ours if f.startswith("-I")), env=environment)
    examples = next(prefix.rglob("sframe.c")).parent
    # The meeting is as short as it can be: it names few fields, ignores arguments, frees nothing.
    warn = [*warn, "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
    says = {"sframe": "member 1, audio, frame 0 of 43 bytes: Yes, and nobody else can.",
            "meeting": "ben hears: Hello!"}
    for example in sorted(examples.glob("*.c")):
        for name, libraries in (("shared", ours), ("static", whole)):
            program = folder / f"{example.stem}-{name}"
            run(cc, *warn, example, "-o", program, *libraries, env=environment)
            leaks = {} if example.stem == "sframe" else {"ASAN_OPTIONS": "detect_leaks=0"}
            expect(says[example.stem], run(program, env=dict(environment, **leaks)))


def main():
    build, cc, mint, sanitized = sys.argv[1:]
    flags = ["-fsanitize=address,undefined"] if sanitized == "1" else []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = folder / "prefix"
        run("cmake", "--install", build, "--prefix", prefix)
        library = next(prefix.rglob("libmidwatch.so.0"))
        check_symbols(exported(library), promised(*TRUST), 20)
        environment = dict(os.environ, LD_LIBRARY_PATH=str(library.parent),
                           PKG_CONFIG_PATH=str(next(prefix.rglob("pkgconfig"))))
        ours = shlex.split(run("pkg-config", "--cflags", "--libs", "libmidwatch", env=environment))
        if not any(str(prefix) in os.path.realpath(f[2:]) for f in ours if f.startswith("-I")):
            raise SystemExit(f"the .pc file points elsewhere: {ours}")
        warn = ["-std=c17", "-Wall", "-Wextra", "-Werror", *flags]
        examples = next(prefix.rglob("judge.c")).parent
        run(cc, *warn, examples / "judge.c", "-o", folder / "judge", *ours, "-lcrypto",
            env=environment)
        run(cc, *warn, "-c", examples / "after_handshake.c", "-o", folder / "a.o",
            *(f for f in ours if f.startswith("-I")), env=environment)
        run(mint, folder)
        judge = [folder / "judge"]
        files = [folder / "chain.pem", folder / "roots.pem"]
        expect("site.lab.test: private", run(*judge, "site.lab.test", *files, env=environment))
        expect("name-mismatch", run(*judge, "other.lab.test", *files, env=environment, code=1))
        run(*judge, "site.lab.test", files[0], "/dev/null", env=environment, code=2)
        check_sealed(prefix, folder, cc, warn, environment)
        expect("midwatch ", run(prefix / "bin/midwatch", "--version"))
        unit = next(prefix.rglob("midwatch-gate.service")).read_text()
        expect("/bin/midwatch gate --state", unit)
        if "@" in unit.replace("@system-service", ""):
            raise SystemExit("the unit still has places to be filled in:\n" + unit)
        next(prefix.rglob("midwatch-gate.socket"))
    print("install: no problems")


if __name__ == "__main__":
    main()
