"""Bad input: each has one clear line, the right exit status, and is over soon.

usage: bad_input_test.py MIDWATCH BAD_INPUT_MAKE

Everything stays on loopback: the name server and the misbehaving servers are in this file.
"""
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from loopback import NameServer, Server

SECONDS = 15        # for one check, under sanitizers on a busy machine


def hang(client):
    client.recv(4096)
    time.sleep(60)


def garbage(client):
    client.recv(4096)
    client.sendall(os.urandom(4096).replace(b"\x16", b"\x17").replace(b"\x15", b"\x17"))


def speak_http(client):
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def endless(client):
    """A handshake message that claims 16 MiB and keeps coming."""
    client.recv(4096)
    record = b"\x16\x03\x03\x40\x00"
    client.sendall(record + b"\x0b\xff\xff\xff" + b"\0" * (0x4000 - 4))
    while True:
        client.sendall(record + b"\0" * 0x4000)


def reset(client):
    client.recv(4096)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Tester:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.problems = []
        self.count = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def run(self, args, stdin=b""):
        env = dict(os.environ, MIDWATCH_STATE=self.path("state"), HOME=self.folder)
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            env.pop(name, None)
        return subprocess.run([self.program, "check"] + args, input=stdin, capture_output=True,
                              timeout=4 * SECONDS, env=env, check=False)

    def expect(self, what, args, status, words, stdin=b"", stream="stderr"):
        """The exit status, and every one of `words` in the first line that is printed."""
        self.count += 1
        start = time.monotonic()
        done = self.run(args, stdin)
        took = time.monotonic() - start
        text = getattr(done, stream).decode("utf-8", "replace")
        problems = []
        if done.returncode != status:
            problems.append("exit %d, not %d" % (done.returncode, status))
        for word in words:
            if word not in text:
                problems.append("it does not say %r" % word)
        if took > SECONDS:
            problems.append("it took %.1f s" % took)
        if b"Sanitizer" in done.stderr:
            problems.append("a sanitizer spoke")
        for problem in problems:
            self.problems.append("%s: %s" % (what, problem))
        if problems:
            self.problems.append("    " + (done.stdout + done.stderr).decode(
                "utf-8", "replace").strip().replace("\n", "\n    ")[:2000])

    def expect_code(self, what, args, status, code):
        self.count += 1
        start = time.monotonic()
        done = self.run(["--json"] + args)
        took = time.monotonic() - start
        try:
            line = json.loads(done.stdout)
            codes = [finding["code"] for finding in line.get("findings", [])]
        except ValueError:
            codes = ["(no JSON)"]
        if done.returncode != status or code not in codes or took > SECONDS:
            self.problems.append("%s: exit %d (not %d?), %s (no %s?), %.1f s\n    %s" % (
                what, done.returncode, status, codes, code, took,
                done.stderr.decode("utf-8", "replace")[:2000]))


def network(t):
    bare = ["--no-network-evidence", "--portal", "none", "--timeout", "3", "--roots",
            t.path("root.pem")]
    dns = NameServer()
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    cases = (
        ("refused", port, 3, "connect-refused"),
        ("hang", Server(hang).port, 3, "handshake-timeout"),
        ("garbage", Server(garbage).port, 3, "not-tls"),
        ("HTTP", Server(speak_http).port, 3, "not-tls"),
        ("endless", Server(endless).port, 3, None),
        ("reset", Server(reset).port, 1, "reset-in-handshake"),
    )
    for what, at, status, code in cases:
        args = bare + ["--connect", "127.0.0.1:%d" % at, "bad.test"]
        if code is None:
            t.expect(what, args, status, ["NO ANSWER"], stream="stdout")
        else:
            t.expect_code(what, args, status, code)
    t.expect_code("no such name", bare + ["--dns", "127.0.0.1:%d" % dns.port, "nothere.test"], 3,
                  "dns-failed")
    t.expect("no such name, in words",
             bare + ["--dns", "127.0.0.1:%d" % dns.port, "nothere.test"], 3,
             ["NO ANSWER", "nothere.test"], stream="stdout")


def chains(t):
    roots = ["--roots", t.path("root.pem")]
    good = t.path("good.pem")
    t.expect("a good chain", roots + ["--chain", good, "bad.test"], 0, ["PRIVATE"],
             stream="stdout")
    t.expect("10,000 names", roots + ["--chain", t.path("names.pem"), "bad.test"], 0, ["PRIVATE"],
             stream="stdout")
    t.expect("10,000 names, shown",
             roots + ["--certs", "--chain", t.path("names.pem"), "bad.test"], 0, ["and 9988 more"],
             stream="stdout")
    t.expect("10,000 names, none right",
             roots + ["--json", "--chain", t.path("names.pem"), "other.example"], 1,
             ["name-mismatch"], stream="stdout")
    t.expect("nearly 1 MiB", roots + ["--chain", t.path("big.pem"), "bad.test"], 0, ["PRIVATE"],
             stream="stdout")
    t.expect_code("100 intermediates", roots + ["--chain", t.path("long.pem"), "bad.test"], 1,
                  "chain-too-long")
    with open(good, "rb") as file:
        pem = file.read()
    cut = t.write("cut.pem", pem[:len(pem) // 2])
    t.expect("a PEM that is cut off", roots + ["--chain", cut, "bad.test"], 2,
             ["--chain", "cut.pem:1:", "no END line"])
    bad = t.write("base64.pem", pem.replace(b"MII", b"M!I", 1))
    t.expect("a PEM with a wrong letter", roots + ["--chain", bad, "bad.test"], 2,
             ["base64.pem:1:", "not base64"])
    none = t.write("none.pem", b"nothing here\n")
    t.expect("no PEM", roots + ["--chain", none, "bad.test"], 2, ["none.pem", "holds no"])
    t.expect("no file", roots + ["--chain", "/nonexistent.pem", "bad.test"], 2,
             ["/nonexistent.pem", "No such file"])
    t.expect("a folder", roots + ["--chain", t.folder, "bad.test"], 2, ["directory"])
    junk = t.write("junk.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    t.expect_code("PEM that is no certificate", roots + ["--chain", junk, "bad.test"], 1,
                  "cert-malformed")
    t.expect("roots that are none", ["--roots", none, "--chain", good, "bad.test"], 2,
             ["none.pem"])


def words(t):
    wrong = t.write("wrong.conf", b"json = true;\ntimeuot = 5s;\n")
    t.expect("a wrong key in the config", ["--config", wrong, "bad.test"], 2,
             ["wrong.conf:2", "timeuot", "timeout"])
    syntax = t.write("syntax.conf", b"timeout = ;;;{{{\n")
    t.expect("a config that does not parse", ["--config", syntax, "bad.test"], 2, ["syntax.conf"])
    t.expect("an unknown option", ["--jsom", "bad.test"], 2, ["--jsom", "did you mean --json"])
    t.expect("no host", [], 2, ["which host"])
    t.expect("an empty list", ["-"], 2, ["names no host"])
    t.expect("a list with a bad line", ["-"], 2, ["standard input:2:", "65535"],
             stdin=b"a.test\nb.test:99999\n")
    t.expect("a name that is none", ["--chain", t.path("good.pem"), "--roots",
                                     t.path("root.pem"), "a..b"], 2, ["a..b", "host name"])
    t.expect("a bad pin", ["--pin", "a.test=md5/x", "--chain", t.path("good.pem"), "--roots",
                           t.path("root.pem"), "bad.test"], 2, ["sha256/"])


def unattended(t):
    args = ["--unattended", "--roots", t.path("root.pem"), "--chain"]
    t.expect("unattended, private", args + [t.path("good.pem"), "bad.test"], 0,
             ["private bad.test:443\n"], stream="stdout")
    t.expect("unattended, not", args + [t.path("good.pem"), "other.example"], 1,
             ["refused other.example:443 name-mismatch\n"], stream="stdout")
    t.expect("nobody there to ask", ["--ask", "--roots", t.path("root.pem"), "--chain",
                                     t.path("good.pem"), "other.example"], 1, ["nobody was asked"])


def interrupted(t):
    """Ctrl-C: what is done is reported, the exit status says that not all is."""
    t.count += 1
    state = t.path("state-stopped")
    args = [t.program, "check", "--json", "--state", state, "--no-network-evidence", "--portal",
            "none", "--no-proxy", "--roots", t.path("root.pem"), "--timeout", "60", "-"]
    closed = socket.create_server(("127.0.0.1", 0))
    refusing = closed.getsockname()[1]
    closed.close()
    hosts = "127.0.0.1:%d\n127.0.0.1:%d\n" % (refusing, Server(hang).port)
    process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdin.write(hosts.encode())
    process.stdin.close()
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    status = process.wait(SECONDS)
    said = process.stderr.read().decode("utf-8", "replace")
    if time.monotonic() - start > 5:
        t.problems.append("Ctrl-C: it took its time")
    if status != 3 or b"connect-refused" not in first or "stopped after 1 of 2" not in said:
        t.problems.append("Ctrl-C: exit %d, %r, %s" % (status, first[:200], said))


def main():
    program, make = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make, folder], check=True, timeout=120)
        t = Tester(program, folder)
        for part in (words, chains, unattended, network, interrupted):
            part(t)
    for problem in t.problems:
        print(problem)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print("bad input: %d cases, %s, %d MiB at most" % (
        t.count, "%d problems" % len(t.problems) if t.problems else "no problems", peak))
    return 1 if t.problems else 0


if __name__ == "__main__":
    sys.exit(main())
