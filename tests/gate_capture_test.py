"""A packet capture that the gate made can be read with Wireshark's own tools, and by nothing more
than itself.

usage: gate_capture_test.py PROGRAM
"""
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile

import gate_world

tally = gate_world.Tally("gate_capture")
expect = tally.expect


class Tshark:
    """tshark with settings of its own, not the user's."""

    def __init__(self, folder):
        self.folder = folder

    def read(self, path, *words):
        done = subprocess.run(["tshark", "-n", "-r", str(path), *words], capture_output=True,
                              env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
                              timeout=gate_world.SECONDS, check=False)
        expect("tshark reads it", done.returncode == 0, done.stderr.decode())
        return done.stdout.decode()

    def fields(self, path, shown, *names):
        words = [word for name in names for word in ("-e", name)]
        text = self.read(path, "-Y", shown, "-T", "fields", *words)
        return [line.split("\t") for line in text.splitlines()]


def captures(gate):
    return sorted((gate.folder / "unlock").glob("packets-*.pcapng"))


def unlock(gate, *words):
    return gate.command("log", "unlock", "--state", str(gate.folder), *words)


def unlocked_get(gate, host, path, old=(), version=None):
    """Gets until the worker has heard of the unlock and the capture has it."""
    def done():
        context_get(gate, host, path, version)
        return len(captures(gate)) > len(old)

    gate_world.wait_until("a capture", done)
    # What the worker said before this question has been written once it is answered.
    gate.command("top", "--once", "--state", str(gate.folder), check=False)
    return captures(gate)[-1]


def context_get(gate, host, path, version):
    context = gate.context(alpn=["http/1.1"])
    if version:
        context.maximum_version = version
    with context.wrap_socket(gate.tunnel(host), server_hostname=host) as tls:
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while tls.recv(65536):
            pass


def both_legs(tshark, gate, path, what, ends):
    """The request is seen on its way in and on its way out, and so is the answer."""
    asked = tshark.fields(path, "http.request && tls", "tcp.stream", "tcp.dstport", "http.request.uri",
                          "http.host")
    expect(what + ": the request of each leg", {row[1] for row in asked}
           == {str(gate.port()), str(ends)}, asked)
    expect(what + ": as it was sent", all(row[2:] == ["/captured", "good.lab.test"]
                                          for row in asked), asked)
    answered = tshark.fields(path, "http.response && tls", "tcp.stream", "http.response.code")
    tunnels = tshark.fields(path, "http.request.method == CONNECT", "http.request.uri")
    expect(what + ": the tunnel", [f"good.lab.test:{ends}"] in tunnels, tunnels)
    expect(what + ": the answers", len(answered) >= len(asked)
           and all(row[1] == "200" for row in answered), answered)
    expect(what + ": nothing is missing", not tshark.read(
        path, "-Y", "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment"))
    wrong = tshark.read(path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                        "-Y", "tcp.checksum.status == Bad || ip.checksum.status == Bad")
    expect(what + ": sums are right", not wrong, wrong)


def main():
    if shutil.which("tshark") is None:
        print("tshark is not installed")
        return 77
    with gate_world.World(sys.argv[1]) as world, tempfile.TemporaryDirectory() as home:
        tshark = Tshark(pathlib.Path(home))
        gate = world.gate(config="workers = 1;")
        unlock(gate, "--for", "10min", "--reason", "secrets alone", "--host", "good.lab.test")
        gate_world.wait_until("secrets", lambda: context_get(gate, "good.lab.test", "/", None)
                              or list((gate.folder / "unlock").glob("keys-*")))
        expect("no packets without being asked for", not captures(gate))

        unlock(gate, "--for", "10min", "--reason", "ticket 4711", "--host", "good.lab.test",
               "--pcapng")
        path = unlocked_get(gate, "good.lab.test", "/captured")
        gate.get("expired.lab.test", verify=False)
        expect("only its owner reads it", path.stat().st_mode & 0o777 == 0o600,
               oct(path.stat().st_mode))
        both_legs(tshark, gate, path, "TLS 1.3", world.tls_port)
        expect("nothing of others", not tshark.read(
            path, "-Y", 'tls.handshake.extensions_server_name != "good.lab.test"'))
        said = [line["event"]["reason"] for line in gate.records()
                if line["event"].get("action") == "unlock"]
        expect("the log says that packets are written", "packets" in said[-1]
               and "packets" not in said[0], said)

        # A resumed session, an older version, a file of its own.
        unlock(gate, "--for", "10min", "--reason", "again", "--pcapng")
        second = unlocked_get(gate, "good.lab.test", "/captured", old=[path],
                              version=ssl.TLSVersion.TLSv1_2)
        both_legs(tshark, gate, second, "TLS 1.2", world.tls_port)
        unlock(gate, "--end")
        gate.command("top", "--once", "--state", str(gate.folder), check=False)
        before = second.stat().st_size
        context_get(gate, "good.lab.test", "/captured", None)
        gate.stop()
        expect("no packet after the end", second.stat().st_size == before)
        ended = [line["event"]["reason"] for line in gate.records()
                 if line["event"].get("action") == "unlock-ended"]
        expect("the log says how many", ended and "packets were written" in ended[-1], ended)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
