"""Every case of the lab gets the verdict and the findings that the lab says it should.

usage: lab_cases.py MIDWATCH [--all] [NAME...]

Starts a lab, reads `midwatch lab --list --json`, checks every case (or those named) with
`midwatch check --json`, holds each line to the JSON Schema, and prints a table of what deviates;
--all prints the rest too.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time

try:
    import jsonschema
except ImportError:
    jsonschema = None

AT_LEAST = 60       # cases that the lab must have
AT_ONCE = 4
SECONDS = 60
SCHEMA = "docs/schema/midwatch.check-1.schema.json"


class Lab:
    """A running `midwatch lab`."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        ready = os.path.join(folder, "ready")
        self.process = subprocess.Popen(
            [program, "lab", "--state", folder, "--ready-file", ready, "--echo"],
            stdout=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit("lab_cases: the lab did not open")
            time.sleep(0.05)

    def cases(self):
        out = subprocess.run([self.program, "lab", "--list", "--json", "--state", self.folder],
                             check=True, capture_output=True, timeout=SECONDS).stdout
        return json.loads(out)

    def name_server(self):
        with open(os.path.join(self.folder, "lab.json"), encoding="utf-8") as file:
            return json.load(file)["words"]["dns"]

    def close(self):
        self.process.terminate()
        self.process.wait(SECONDS)


def command(program, lab, dns, case):
    """What a person would type, with nothing of this computer's in it but loopback."""
    mine = case["options"]
    args = [program, "check", "--json", "--config", "/dev/null",
            "--roots", os.path.join(lab.folder, "roots.pem"),
            "--local-roots", os.path.join(lab.folder, "local-roots.pem"),
            "--dns", dns, "--timeout", "10"]
    for option, value in (("--controls", ""), ("--time-servers", ""), ("--portal", "none")):
        if option not in mine:
            args.append("%s=%s" % (option, value))
    if "--hosts-file" not in mine and "--proxy" not in mine:
        args += ["--connect", "127.0.0.1:%d" % case["port"]]
    host = case["host"]
    return args + mine + ["[%s]:%d" % (host, case["port"]) if ":" in host
                          else "%s:%d" % (host, case["port"])]


def judge(args, env, schema):
    done = subprocess.run(args, capture_output=True, timeout=SECONDS, env=env, check=False)
    try:
        line = json.loads(done.stdout)
    except ValueError:
        text = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        return None, done.returncode, "no JSON: " + text[:1000]
    if schema is not None:
        for error in schema.iter_errors(line):
            return line, done.returncode, "not by the schema: " + error.message[:200]
    if line.get("exit") != done.returncode:
        return line, done.returncode, "exit %d, but says %s" % (done.returncode, line.get("exit"))
    return line, done.returncode, None


EXITS = {"private": 0, "inspected": 1, "untrusted": 1, "blocked": 1, "unreachable": 3}


def deviations(case, line, status, trouble):
    if trouble is not None:
        return [trouble]
    expect = case["expect"]
    codes = {finding["code"] for finding in line.get("findings", [])}
    found = []
    if line.get("verdict") != expect["verdict"]:
        found.append("verdict %s, not %s" % (line.get("verdict", line.get("error")),
                                             expect["verdict"]))
    if status != EXITS[expect["verdict"]]:
        found.append("exit %d, not %d" % (status, EXITS[expect["verdict"]]))
    missing = [code for code in expect["findings"] if code not in codes]
    wrong = [code for code in expect["not"] if code in codes]
    if missing:
        found.append("without " + ", ".join(missing))
    if wrong:
        found.append("with " + ", ".join(wrong))
    if found:
        found.append("has " + (", ".join(sorted(codes)) or "no findings"))
    return found


def main():
    program = sys.argv[1]
    names = [arg for arg in sys.argv[2:] if arg != "--all"]
    schema = None
    if jsonschema is not None:
        with open(SCHEMA, encoding="utf-8") as file:
            schema = jsonschema.Draft202012Validator(json.load(file))
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, MIDWATCH_STATE=os.path.join(folder, "state"), HOME=folder)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
            env.pop(name, None)
        lab = Lab(program, folder)
        try:
            dns = lab.name_server()
            cases = [case for case in lab.cases() if not names or case["name"] in names]
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                results = list(pool.map(
                    lambda case: judge(command(program, lab, dns, case), env, schema), cases))
        finally:
            lab.close()
    bad = 0
    for case, result in zip(cases, results):
        found = deviations(case, *result)
        bad += bool(found)
        if not found and "--all" not in sys.argv:
            continue
        print("%-4s %-28s %-12s %s" % ("BAD" if found else "ok", case["name"],
                                       case["expect"]["verdict"], case["wrong"]))
        for what in found:
            print("       " + what)
    if not names and len(cases) < AT_LEAST:
        print("only %d cases; the lab should have %d" % (len(cases), AT_LEAST))
        bad += 1
    print("lab: %d cases, %s" % (len(cases), "%d deviate" % bad if bad else "none deviates"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
