"""`midwatch gate selftest`: a gate as it is shipped passes; one that was weakened fails exactly
where it was; and the report is worth its signature.

usage: gate_selftest_test.py MIDWATCH
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from gate_world import Tally

SECONDS = 900
# What each weakening is tried on: the points about servers' certificates and TLS, which are
# quick, and its own.
QUICK = set(range(1, 38)) | {42, 43, 44, 47, 50}
WEAKENED = [
    ("mirror-version = no;", {31}),
    ('min-version = "1.0";', {25}),
    ("on { self-signed = accept; unknown-authority = accept; }", {1, 2, 5, 30}),
    ("on { weak-key = accept; weak-signature = accept; }", {19, 20, 30}),
    ("on { path-length = accept; name-constraint = accept; }",
     {11, 12, 30}),
    ("audit { when-full = pass; }", {46}),
]


def selftest(program, *words):
    return subprocess.run([program, "gate", "selftest", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                          check=False, text=True)


def failed_of(done):
    return {int(n) for n in re.findall(r"^ *(\d+)  FAILED", done.stdout, re.M)}


def shipped(tally, program, folder):
    report, state = folder / "report.json", folder / "state"
    done = selftest(program, "--report", str(report), "--state", str(state))
    tally.expect("the shipped defaults pass", done.returncode == 0, done.stdout + done.stderr)
    rows = re.findall(r"^ *(\d+)  (\w+)  \S", done.stdout, re.M)
    tally.expect("there are fifty points in order", [int(n) for n, _ in rows] == list(range(1, 51)),
                 rows)
    tally.expect("at most three are argued", [r for _, r in rows].count("argued") <= 3, rows)
    if done.returncode == 0:
        signed(tally, program, report, state)


def signed(tally, program, report, state):
    text = report.read_bytes()
    said = json.loads(text)["report"]
    tally.expect("the report says what was found", len(said["points"]) == 50
                 and said["failed"] == 0 and len(said["config"]["sha256"]) == 64, said)
    tally.expect("the key is its owner's alone",
                 (state / "report.key").stat().st_mode & 0o777 == 0o600)
    public = state / "report.pub"
    for more in ((), ("--key", str(public))):
        done = selftest(program, "--verify", str(report), *more)
        tally.expect(f"the report verifies {more}", done.returncode == 0, done.stderr)
    other = report.with_name("other.json")
    for at in [*range(0, len(text), max(1, len(text) // 40)), len(text) - 100, len(text) - 1]:
        changed = bytearray(text)
        changed[at] ^= 1
        other.write_bytes(changed)
        done = selftest(program, "--verify", str(other), "--key", str(public))
        tally.expect(f"byte {at} changed does not verify", done.returncode == 1, done.stdout)
    other.write_bytes(text + b"\n")
    tally.expect("a byte more does not verify",
                 selftest(program, "--verify", str(other)).returncode == 1)
    stranger = report.with_name("stranger.pub")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out",
                    str(report.with_name("stranger.key"))], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", str(report.with_name("stranger.key")), "-pubout",
                    "-out", str(stranger)], check=True, capture_output=True)
    tally.expect("another's key does not verify it",
                 selftest(program, "--verify", str(report), "--key", str(stranger)).returncode == 1)


def weakened(program, config, wrong):
    only = ",".join(str(n) for n in sorted(QUICK | wrong if wrong != {46} else wrong | {1, 42}))
    return selftest(program, "--gate", config, "--only", only)


def main():
    program, = sys.argv[1:]
    tally = Tally("gate selftest")
    with tempfile.TemporaryDirectory() as name, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [(config, wrong, pool.submit(weakened, program, config, wrong))
                for config, wrong in WEAKENED]
        shipped(tally, program, pathlib.Path(name))
        for config, wrong, job in jobs:
            done = job.result()
            tally.expect(f"{config} fails {sorted(wrong)}", failed_of(done) == wrong
                         and done.returncode == 1, done.stdout + done.stderr)
    done = selftest(program, "--gate", "nonsense = 1;")
    tally.expect("a configuration that is wrong cannot be tried", done.returncode == 2
                 and "nonsense" in done.stderr, done.stderr)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
