"""What is installed works from where it is installed: the examples build with the .pc file alone.

usage: install_test.py BUILD CC MINT-CHAIN SANITIZED(0|1)
"""
import os
import pathlib
import shlex
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


def check_symbols(library):
    """Exactly the functions that the header promises are there."""
    header = (tree.ROOT / "include/midwatch/trust.h").read_text()
    promised = {word.split("(")[0].lstrip("*") for line in header.splitlines()
                if line.startswith("MW_API") for word in line.replace("*", " ").split()
                if word.startswith("mw_") and "(" in word}
    shown = exported(library)
    if len(promised) < 20:
        raise SystemExit("the test itself is broken: it reads too few functions from the header")
    if promised - shown:
        raise SystemExit("promised, but not there: " + " ".join(sorted(promised - shown)))
    if shown - promised:
        raise SystemExit("shown, but not promised: " + " ".join(sorted(shown - promised)))


def main():
    build, cc, mint, sanitized = sys.argv[1:]
    flags = ["-fsanitize=address,undefined"] if sanitized == "1" else []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        prefix = folder / "prefix"
        run("cmake", "--install", build, "--prefix", prefix)
        library = next(prefix.rglob("libmidwatch.so.0"))
        check_symbols(library)
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
        expect("midwatch ", run(prefix / "bin/midwatch", "--version"))
        unit = next(prefix.rglob("midwatch-gate.service")).read_text()
        expect("/bin/midwatch gate --state", unit)
        if "@" in unit.replace("@system-service", ""):
            raise SystemExit("the unit still has places to be filled in:\n" + unit)
        next(prefix.rglob("midwatch-gate.socket"))
    print("install: no problems")


if __name__ == "__main__":
    main()
