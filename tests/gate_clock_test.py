"""What a gate does of itself as days go by: its authorities are renewed, and nobody restarts it.

usage: gate_clock_test.py PROGRAM     one that is built with tests/stepped_clock.c
"""
import os
import pathlib
import ssl
import struct
import subprocess
import sys
import tempfile

from gate_parent_test import Echo, Gate
from gate_world import Tally, wait_until

DAY = 86400
PARTS = ("intermediate-ec", "intermediate-rsa", "untrusted-ec", "untrusted-rsa")


class Clock:
    """Starts at the system's time, and goes forward by days."""

    def __init__(self, folder):
        self.path = folder / "clock"
        self.path.write_bytes(bytes(8))
        self.path.chmod(0o644)
        self.days = 0

    def go_to(self, day):
        self.days = day
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=q", day * DAY))


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, timeout=60,
                          check=True).stdout.decode()


def key_id(kind, *words, data=None):
    text = openssl("x509", "-noout", "-ext", kind, *words, data=data)
    return text.split("\n")[1].strip().replace("keyid:", "")


def signer_of_a_page(gate, echo):
    """Which key signed the leaf under which a blocked name's page comes."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(gate.tunnel(echo.port), server_hostname="blocked.example") as tls:
        return key_id("authorityKeyIdentifier", "-inform", "DER", data=tls.getpeercert(True))


def ca(gate):
    return {name: (gate.state / "ca" / f"{name}.pem").read_text() for name in (*PARTS, "root")}


def wake(gate):
    """Its loop looks at the clock when something happens."""
    subprocess.run([gate.program, "gate", "status", "--state", str(gate.state)], timeout=60,
                   check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def renewed(tally, gate, clock, echo):
    first, forge = ca(gate), gate.children()["forge"]
    own = key_id("subjectKeyIdentifier", "-in", str(gate.state / "ca" / "untrusted-ec.pem"))
    tally.expect("a page's leaf is signed by what is there", signer_of_a_page(gate, echo) == own)
    for day in (1, 2, 59):      # 31 days are left of 90
        clock.go_to(day)
        wake(gate)
        wake(gate)
        tally.expect(f"nothing is renewed on day {day}", ca(gate) == first
                     and gate.children()["forge"] == forge)
    workers = {role: pid for role, pid in gate.children().items() if "worker" in role}
    clock.go_to(61)

    def again():
        wake(gate)
        return gate.children().get("forge", forge) != forge
    wait_until("a forge with the new keys", again)
    second = ca(gate)
    tally.expect("all but the root are new", second["root"] == first["root"]
                 and all(second[part] != first[part] for part in PARTS))
    own = key_id("subjectKeyIdentifier", "-in", str(gate.state / "ca" / "untrusted-ec.pem"))
    wait_until("leaves under them", lambda: signer_of_a_page(gate, echo) == own)
    tally.expect("no worker was started again", workers
                 == {role: pid for role, pid in gate.children().items() if "worker" in role})
    tally.expect("it is said", "the configuration was read anew" in gate.said(), gate.said())


def stuck(tally, gate, clock):
    """Without the root's key nothing is renewed: that is said each time, and the gate goes on."""
    (gate.state / "ca" / "root.key").rename(gate.state / "root.key.safe")
    before = ca(gate)
    clock.go_to(61 + 61)

    def said():
        wake(gate)
        return "cannot be renewed" in gate.said()
    wait_until("it is said", said)
    tally.expect("which key is missing", "root.key" in gate.said(), gate.said())
    tally.expect("what the root signs stays", all(
        ca(gate)[part] == before[part] for part in ("intermediate-ec", "intermediate-rsa")))
    tally.expect("it serves on", gate.page() == 200)
    (gate.state / "root.key.safe").rename(gate.state / "ca" / "root.key")
    clock.go_to(61 + 62)

    def again():
        wake(gate)
        return ca(gate)["intermediate-ec"] != before["intermediate-ec"]
    wait_until("it is made up for once the key is back", again)


def main():
    program, = sys.argv[1:]
    tally, echo = Tally("gate_clock"), Echo()
    with tempfile.TemporaryDirectory(prefix="midwatch-clock-") as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        clock = Clock(folder)
        gate = Gate(program, folder, "--workers", "1", "--listen", "http://127.0.0.1:0",
                    env=dict(os.environ, STEPPED_CLOCK=str(clock.path)),
                    config="rule { names = blocked.example; action = block; }\n").wait()
        try:
            renewed(tally, gate, clock, echo)
            stuck(tally, gate, clock)
        except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
            tally.expect("no trouble", False, repr(wrong))
            print(gate.said())
        tally.expect("it ends well", gate.stop() == 0, gate.said())
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
