"""A server's connection that one session leaves well is the next one's, and never another's.

usage: gate_reuse_test.py PROGRAM
"""
import http.client
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import gate_world

tally = gate_world.Tally("gate_reuse")
expect = tally.expect

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted(gate_world.Origin):
    """Answers each request as `script(connection, request, head)` says: bytes, or None to close.
    Both count from 1; `said` is what came, as (connection, request line)."""

    def __init__(self, world, host, script=lambda connection, request, head: OK, **more):
        self.script, self.said, self.ended = script, [], 0
        self.lock = threading.Lock()
        super().__init__(world, host, self.talk, **more)

    def talk(self, tls):
        with self.lock:
            connection = self.hellos
        rest, n = b"", 0
        while True:
            while b"\r\n\r\n" not in rest:
                piece = tls.recv(65536)
                if not piece:
                    self.ended += 1
                    return
                rest += piece
            head, _, rest = rest.partition(b"\r\n\r\n")
            head = head.decode()
            length = [int(line.split(":")[1]) for line in head.split("\r\n")
                      if line.lower().startswith("content-length:")]
            while length and len(rest) < length[0]:
                rest += tls.recv(65536)
            rest = rest[length[0]:] if length else rest
            n += 1
            self.said.append((connection, head.split("\r\n", 1)[0]))
            answer = self.script(connection, n, head)
            if answer is None:
                return
            tls.sendall(answer)


def session(gate, origin, method="GET", body=None, alpn=("http/1.1",), source=None, requests=1,
            **headers):
    """A session of its own with some requests; the last answer's status."""
    raw = socket.create_connection(("127.0.0.1", gate.port()), 20,
                                   (source, 0) if source else None)
    where = f"{origin.host}:{origin.port}"
    raw.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = raw.recv(1)
        if not piece:
            return "closed by the proxy"
        head += piece
    if b" 200 " not in head:
        return head.decode()
    with gate.context(list(alpn)).wrap_socket(raw, server_hostname=origin.host) as tls:
        for _ in range(requests):
            lines = [f"{method} / HTTP/1.1", f"Host: {where}"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            if body is not None:
                lines.append(f"Content-Length: {len(body)}")
            tls.sendall("\r\n".join([*lines, "", ""]).encode() + (body or b""))
            answer = http.client.HTTPResponse(tls, method=method)
            try:
                answer.begin()
            except (http.client.HTTPException, OSError) as wrong:
                return repr(wrong)
            answer.read()
        tls.settimeout(5)
        return answer.status


def legs(gate, n):
    """The server's legs in the log, once n sessions are in it."""
    def lines():
        return [line["midwatch"] for line in gate.records()
                if line["midwatch"]["kind"] == "session"]
    gate_world.wait_until(f"{n} sessions in the log", lambda: len(lines()) >= n)
    return [(line.get("server_leg", {}), line) for line in lines()]


def new_gate(world, config=""):
    """One worker: each keeps its own."""
    return world.gate(config=config, extra=["--workers", "1"])


def new_world_origin(world, script=None, **more):
    return Scripted(world, "web.world.test", *([script] if script else []), **more)


def one_handshake_for_two(world):
    """With a protocol agreed, without, and through SOCKS as well as CONNECT."""
    gate, origin = new_gate(world), new_world_origin(world)
    expect("a first session", session(gate, origin) == 200)
    expect("a second", session(gate, origin, requests=3) == 200)
    expect("a third", session(gate, origin) == 200)
    expect("they had one handshake with the server", origin.hellos == 1, origin.said)
    found = legs(gate, 3)
    expect("the first is not said to be reused", "reused" not in found[0][0], found[0])
    for leg, line in found[1:]:
        expect("the others are", leg.get("reused") is True, line)
        expect("with what its handshake settled on",
               leg.get("version") == found[0][0]["version"]
               and leg.get("cipher") == found[0][0]["cipher"], line)
        expect("with what the server was judged", line["verdict"] == found[0][1]["verdict"]
               and line["certificate"] == found[0][1]["certificate"], line)
    expect("another offer of protocols is another connection",
           session(gate, origin, alpn=()) == 200 and origin.hellos == 2, origin.said)
    expect("which is kept, too", session(gate, origin, alpn=()) == 200 and origin.hellos == 2)
    status = " ".join(gate.command("status", "--state", str(gate.folder)).split())
    expect("status counts them", "1 with servers, 1 resumed, 3 kept from a session before" in status,
           status)
    expect("why says it", "kept from a session before" in gate.command(
        "why", origin.host, "--state", str(gate.folder)))
    origin.close()


def nobody_elses(world, gate):
    origin = new_world_origin(world)
    session(gate, origin)
    expect("another client has its own", session(gate, origin, source="127.0.0.2") == 200
           and origin.hellos == 2, origin.said)
    expect("and the first one its", session(gate, origin) == 200 and origin.hellos == 2)
    gate.command("reload", "--state", str(gate.folder))
    expect("a new policy begins anew", session(gate, origin) == 200 and origin.hellos == 3,
           origin.said)
    off = new_gate(world, "upstream { reuse = 0 }")
    session(off, origin)
    session(off, origin)
    expect("it can be switched off", origin.hellos == 5, origin.said)
    origin.close()


def what_taints(world, gate):
    """What makes a connection one session's own."""
    challenge = OK.replace(b"\r\n\r\n", b"\r\nWWW-Authenticate: Negotiate\r\n\r\n")
    until_close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    extra = OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    cases = [
        ("a body", None, {"method": "POST", "body": b"hello"}),
        ("NTLM", None, {"Authorization": "NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA="}),
        ("Negotiate", None, {"Authorization": "negotiate YII="}),
        ("a scheme nobody knows", None, {"Authorization": "Other x"}),
        ("a challenge", challenge, {}),
        ("a server that says close", until_close, {}),
        ("bytes after the answer", extra, {}),
    ]
    for name, answer, more in cases:
        origin = new_world_origin(world, lambda *_, answer=answer: answer or OK)
        session(gate, origin, **more)
        expect(f"{name}: the next one is answered", session(gate, origin) == 200)
        expect(f"{name}: the connection is not kept", origin.hellos == 2, origin.said)
        origin.close()
    origin = new_world_origin(world)
    session(gate, origin, Authorization="Basic YTpi")
    expect("credentials of one request do not", session(gate, origin) == 200
           and origin.hellos == 1, origin.said)
    origin.close()


def asked_again(world, gate):
    """The server gives a kept connection up.  The gate's first sessions."""
    def once(connection, request, head):
        return OK if request == 1 else None
    origin = new_world_origin(world, once)
    session(gate, origin)
    expect("what may be repeated is, and nobody notices", session(gate, origin) == 200,
           origin.said)
    expect("on a connection of its own", origin.said == [
        (1, "GET / HTTP/1.1"), (1, "GET / HTTP/1.1"), (2, "GET / HTTP/1.1")], origin.said)
    expect("which is not said to be reused",
           "reused" not in legs(gate, 2)[1][0], legs(gate, 2)[1])
    for method, body in (("POST", b"x"), ("POST", b""), ("PUT", b"x"), ("DELETE", None)):
        session(gate, origin)
        before = len(origin.said)
        expect(f"{method} is answered", session(gate, origin, method, body) == 200)
        said = [line for _, line in origin.said[before:]]
        expect(f"{method} is said once", said == [f"{method} / HTTP/1.1"], said)
    late = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    polite = new_world_origin(world, lambda c, n, head: OK if n == 1 else late)
    session(gate, polite)
    expect("408 is taken for what it means", session(gate, polite) == 200 and polite.hellos == 2,
           polite.said)
    bad = new_world_origin(world, lambda c, n, head: OK if c == 1 and n == 1 else None)
    session(gate, bad)
    expect("a server that never answers is a page", session(gate, bad) == 502, bad.said)
    expect("after it was asked once more", bad.hellos == 2, bad.said)
    for one in (origin, polite, bad):
        one.close()


def closed_meanwhile(world, gate):
    """The server closes before anybody comes, and after a moment the gate does."""
    origin = new_world_origin(world)
    session(gate, origin)
    gate_world.wait_until("the gate to close", lambda: origin.ended == 1)
    expect("the next one dials", session(gate, origin) == 200 and origin.hellos == 2, origin.said)
    origin.close()


def another_certificate(world, gate):
    """A server that changed while its connection was kept is no longer what the client was
    greeted with."""
    def once(connection, request, head):
        return OK if request == 1 else None
    origin = new_world_origin(world, once)
    session(gate, origin)
    changed = world.authority.folder / "web.world.test.pem"
    changed.unlink()
    other = new_world_origin(world, once)   # its certificate is new
    origin.context = other.context
    expect("the client is told", session(gate, origin) == 502, origin.said)
    expect("not asked of the other one", [c for c, _ in origin.said] == [1, 1], origin.said)
    expect("and asks again", session(gate, origin) == 200, origin.said)
    origin.close()
    other.close()


def unlocked(world, gate):
    """Secrets are written from a connection's beginning, or not at all."""
    origin = new_world_origin(world)
    session(gate, origin)
    gate.command("log", "unlock", "--state", str(gate.folder), "--for", "5min",
                 "--reason", "test")
    expect("none is handed out while secrets are written", session(gate, origin) == 200
           and origin.hellos == 2, origin.said)
    expect("or kept", session(gate, origin) == 200 and origin.hellos == 3, origin.said)
    origin.close()


def drained(world, gate):
    """A gate that ends waits for nobody who is kept."""
    origin = new_world_origin(world)
    session(gate, origin)
    expect("it ends well", gate.stop() == 0, gate.said())
    origin.close()


def waiting_costs_nothing(world, gate):
    """While its leaf is minted, a session does not keep the worker busy with what its server says."""
    origin, got = Scripted(world, "other.world.test"), []
    pids = gate.children()
    worker = pathlib.Path(f"/proc/{pids['worker 0']}/schedstat")

    def asleep():
        before = int(worker.read_text().split()[0])
        time.sleep(0.2)
        return int(worker.read_text().split()[0]) - before < 20e6    # of 200e6

    os.kill(pids["forge"], signal.SIGSTOP)
    try:
        asking = threading.Thread(target=lambda: got.append(session(gate, origin)))
        asking.start()
        gate_world.wait_until("the server's handshake", lambda: origin.hellos == 1)
        quiet = any(asleep() for _ in range(10))
        expect("the worker sleeps while it waits", quiet and not got, got)
    finally:
        os.kill(pids["forge"], signal.SIGCONT)
    asking.join()
    expect("and is answered in the end", got == [200], got)
    origin.close()


def main():
    with gate_world.World(sys.argv[1]) as world:
        one_handshake_for_two(world)
        gate = new_gate(world)
        for part in (asked_again, nobody_elses, what_taints, closed_meanwhile,
                     another_certificate, waiting_costs_nothing, unlocked, drained):
            part(world, gate)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
