"""The exporter echo from end to end: a cooperating server proves that nobody, or somebody, is in
the middle.

usage: echo_test.py MIDWATCH
"""
import json
import os
import subprocess
import sys
import tempfile

from lab_cases import Lab

OTHER_KEY = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def check(program, lab, words, connect, key):
    args = [program, "check", "--json", "--config", "/dev/null", "--dns", words["dns"],
            "--roots", os.path.join(lab.folder, "roots.pem"),
            "--local-roots", os.path.join(lab.folder, "local-roots.pem"),
            "--controls=", "--time-servers=", "--portal", "none", "--no-proxy",
            "--connect", connect, "--echo", key, "good.lab.test"]
    env = dict(os.environ, MIDWATCH_STATE=os.path.join(lab.folder, "state"))
    out = subprocess.run(args, capture_output=True, timeout=60, env=env, check=False).stdout
    verdict = json.loads(out)
    return verdict["verdict"], {f["code"]: f["certainty"] for f in verdict["findings"]}


def main():
    program, = sys.argv[1:]
    failed = 0

    def expect(what, met, got):
        nonlocal failed
        if not met:
            failed += 1
            print("FAILED: %s; got %s" % (what, got))

    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(program, folder)
        try:
            with open(os.path.join(folder, "lab.json"), encoding="utf-8") as file:
                words = json.load(file)["words"]
            key = words["echo-key"]

            got = check(program, lab, words, words["tls"], key)
            expect("straight: private, and the echo agrees",
                   got[0] == "private" and "echo-agrees" in got[1], got)

            got = check(program, lab, words, words["intercept"], key)
            expect("re-signed: inspected, proven by the exporter",
                   got[0] == "inspected" and got[1].get("echo-exporter-differs") == "proven"
                   and "echo-agrees" not in got[1], got)

            got = check(program, lab, words, words["tls"], OTHER_KEY)
            expect("signed by another key: no proof of anything",
                   "echo-unsigned" in got[1] and "echo-agrees" not in got[1], got)
        finally:
            lab.close()
    print("echo: %d of 3 expectations failed" % failed)
    return 1 if failed else 0


sys.exit(main())
