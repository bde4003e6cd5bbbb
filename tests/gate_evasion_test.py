"""Clients and servers that would like policy to be about something else than what happens.

usage: gate_evasion_test.py MIDWATCH [PART...]
"""
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import gate_world
from gate_world import Tally, WebServer, wait_until
from http2_client import Http2

PAUSE = 0.3     # so that the pieces of what is said come by themselves


class Talker:
    """A server without TLS: keeps what it hears, and answers like a web server."""

    def __init__(self, address="127.0.0.1"):
        self.heard = []
        self.socket = socket.create_server((address, 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(raw,), daemon=True).start()

    def talk(self, raw):
        with raw:
            raw.settimeout(gate_world.SECONDS)
            try:
                said = raw.recv(65536)
                while said and said[0] > 2 and b"\r\n\r\n" not in said.lstrip():
                    more = raw.recv(65536)
                    if not more:
                        return
                    said += more
                if said:
                    self.heard.append(said)
                    raw.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                b"Connection: close\r\n\r\nok")
            except OSError:
                pass

    def close(self):
        self.socket.close()


def say(raw, *pieces):
    """What is answered to these, each sent by itself."""
    got = b""
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n, piece in enumerate(pieces):
            if n > 0:
                time.sleep(PAUSE)
            raw.sendall(piece)
        while True:
            more = raw.recv(65536)
            if not more:
                break
            got += more
    except OSError:
        pass
    raw.close()
    return got


def get(host, line="GET / HTTP/1.1"):
    return f"{line}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def tls_to(gate, where, name, port, alpn=None):
    """TLS in a tunnel to `where` that speaks of `name`, whatever certificate comes."""
    context = gate.context(alpn)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(gate.tunnel(where, port), server_hostname=name)


def destinations_without_tls(tally, world):
    """A rule about addresses is about what is no TLS, too."""
    with open(world.hosts, "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.3 closed.world.test\n")
    server = Talker("127.0.0.3")
    for words in ("inspect", "bypass"):
        gate = world.gate(config=f"workers = 1; not-tls = {words};"
                                 "rule { destination = 127.0.0.3; action = block; }")
        for what, bytes_ in (("raw bytes", b"\x01raw"), ("a request", get("web.world.test")),
                             ("its own request", get("closed.world.test"))):
            got = say(gate.tunnel("closed.world.test", server.port), bytes_)
            tally.expect(f"not-tls = {words}: {what}", b" 200 " not in got, got)
        gate.stop()
        said = [line["event"]["action"] for line in gate.records()
                if line["midwatch"]["kind"] == "session"]
        tally.expect(f"not-tls = {words}: the log says so", said == ["block"] * 3, said)
    tally.expect("that address heard nothing", server.heard == [], server.heard)
    server.close()


def ports_without_tls(tally, world):
    """The port is the tunnel's, whatever Host says."""
    server = Talker()
    gate = world.gate(config="workers = 1; rule { names = [web.world.test];"
                             f" port = {server.port}; action = block; }}")
    for host in ("web.world.test", "web.world.test:80", f"web.world.test:{server.port}"):
        got = say(gate.tunnel("127.0.0.1", server.port), get(host))
        tally.expect(f"Host: {host}", got.startswith(b"HTTP/1.1 403"), got)
    tally.expect("the server heard nothing", server.heard == [], server.heard)
    server.close()


def requests_in_pieces(tally, world):
    """What a request is does not depend on how its bytes are sent, or on its method."""
    server = Talker()
    gate = world.gate(config="workers = 1; rule { names = [.forbidden.world.test];"
                             " action = block; }")
    host = "www.forbidden.world.test"
    for what, pieces in (
            ("whole", [get(host)]), ("one byte first", [b"G", get(host)[1:]]),
            ("half a method", [get(host)[:3], get(host)[3:]]),
            ("an empty line first", [b"\r\n" + get(host)]),
            ("PROPFIND", [get(host, "PROPFIND / HTTP/1.1")]),
            ("a method nobody knows", [get(host, "MIDWATCH / HTTP/1.1")]),
            ("TRACE", [get(host, "TRACE / HTTP/1.1")])):
        got = say(gate.tunnel("127.0.0.1", server.port), *pieces)
        tally.expect(f"{what}: blocked", got.startswith(b"HTTP/1.1 4"), got)
    for what, pieces in (("half an empty line", [b"\r", b"\n" + get(host)]),
                         ("a method in small letters",
                          [b"g", b"et", get(host, " / HTTP/1.1")])):
        got = say(gate.tunnel("127.0.0.1", server.port), *pieces)
        tally.expect(f"{what}: cut", got == b"", got)
    tally.expect("the server heard nothing", server.heard == [], server.heard)
    greeter = socket.create_server(("127.0.0.1", 0))
    for said, want in ((get(host), b""), (b"QUIT\r\n", b"QUIT\r\n")):
        with gate.tunnel("127.0.0.1", greeter.getsockname()[1]) as raw:
            peer = greeter.accept()[0]
            peer.settimeout(gate_world.SECONDS)
            peer.sendall(b"220 good morning\r\n")
            tally.expect("a server may speak first", raw.recv(100) == b"220 good morning\r\n")
            raw.sendall(said)
            try:
                got = peer.recv(100)
            except OSError:
                got = b""
            tally.expect("but is asked nothing unseen then", got == want, got)
            peer.close()
    greeter.close()
    got = say(gate.tunnel("127.0.0.1", server.port), b"\x00\x01", b"binary")
    tally.expect("what is no HTTP goes on", b"200 OK" in got, got)
    server.close()
    web = WebServer(world, "web.world.test")
    for what, pieces in (("whole", [get(host)]), ("one byte first", [b"G", get(host)[1:]]),
                         ("PROPFIND", [get(host, "PROPFIND / HTTP/1.1")])):
        tls = tls_to(gate, web.host, web.host, web.port)
        got = say(tls, *pieces)
        tally.expect(f"in TLS without a protocol, {what}: not the server's",
                     got.startswith(b"HTTP/1.1 421"), got)
    web.close()


def h2_in_the_clear(tally, world):
    """HTTP/2 with prior knowledge (RFC 9113 section 3.3): its requests are seen, too."""
    if not shutil.which("nghttpd"):
        print("HTTP/2 in the clear: skipped, no nghttpd here")
        return
    root = world.folder / "clear"
    root.mkdir()
    (root / "page").write_bytes(b"from the server")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with subprocess.Popen(["nghttpd", "--no-tls", "-d", str(root), "--address=127.0.0.1",
                           str(port)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as server:
        try:
            wait_until("nghttpd listens", lambda: listens(port))
            gate = world.gate(config="workers = 1; rule { names = [.forbidden.world.test];"
                                     " action = block; }")
            # Also once the server has begun, as it may.
            for host, want, wait in (("web.world.test", 200, 0), ("web.world.test", 200, PAUSE),
                                     ("www.forbidden.world.test", 403, 0),
                                     ("www.forbidden.world.test", 403, PAUSE)):
                with gate.tunnel("127.0.0.1", port) as raw:
                    time.sleep(wait)
                    status, _, body = Http2(raw).request("GET", host, "/page")
                tally.expect(f"HTTP/2 in the clear, {host}", status == want
                             and (body == b"from the server") == (want == 200), (status, body))
        finally:
            server.terminate()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except OSError:
        return False


def what_was_blocked(tally, world):
    """A session of which nothing passed is not recorded as one that was allowed."""
    server, away = Talker(), Talker("127.0.0.4")
    with open(world.hosts, "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.4 far.world.test\n")
    gate = world.gate(config='workers = 1; rule "nope" { names = [.forbidden.world.test];'
                             ' action = block; }'
                             'rule "far" { destination = 127.0.0.4; action = block; }')
    bad = get("www.forbidden.world.test", "GET http://www.forbidden.world.test/ HTTP/1.1")
    far = get("x", f"GET http://far.world.test:{away.port}/ HTTP/1.1")
    good = get("x", f"GET http://web.world.test:{server.port}/ HTTP/1.1")[:-21] + b"\r\n"
    said = [say(socket.create_connection(("127.0.0.1", gate.port()), 20), *pieces)
            for pieces in ((bad,), (good, bad), (good, far))]
    said.append(say(gate.tunnel("127.0.0.1", server.port), get("www.forbidden.world.test")))
    tally.expect("they are blocked", [s.count(b"403 Forb") for s in said] == [1] * 4
                 and [s.count(b"200 OK") for s in said] == [0, 1, 1, 0],
                 [s[:100] for s in said])
    gate.stop()
    found = [(r["event"].get("action"), r.get("rule", {}).get("name"), r["midwatch"]["outcome"],
              r["midwatch"]["blocked_requests"]) for r in gate.records()
             if r["midwatch"]["kind"] == "session"]
    tally.expect("and recorded so", found == [
        ("block", "rule 1 (nope)", "blocked", 1), ("inspect", "undefined", "completed", 1),
        ("inspect", "undefined", "completed", 1), ("block", "rule 1 (nope)", "blocked", 1)], found)
    server.close()
    away.close()


def borrowed_evidence(tally, world):
    """What one server showed opens no way to another one."""
    real = WebServer(world, "web.world.test")
    asks = WebServer(world, real.host, wants_certificate=True, at=("127.0.0.2", real.port))
    gate = world.gate(config="workers = 1;")
    theirs = ssl.get_server_certificate(("127.0.0.1", real.port))
    real.hellos = 0
    with tls_to(gate, "127.0.0.2", real.host, real.port) as tls:
        seen = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
        got = say(tls, get(real.host, "GET /bytes/5 HTTP/1.1"))
    tally.expect("a server that wants a certificate, under a borrowed name", seen != theirs, got)
    status, _, issuer = gate.get(real.host, "/bytes/1", port=real.port)
    tally.expect("and others' sessions are inspected as ever",
                 status == 200 and "Midwatch gate" in issuer, (status, issuer))
    asks.close()
    real.close()


def borrowed_findings(tally, world):
    """The same, with a rule about findings."""
    real = WebServer(world, "web.world.test")
    lie = WebServer(world, "other.world.test", at=("127.0.0.2", real.port))
    gate = world.gate(config="workers = 1; rule { finding = name-mismatch; action = bypass; }")
    theirs = ssl.get_server_certificate(("127.0.0.1", real.port))
    with tls_to(gate, "127.0.0.2", real.host, real.port) as tls:
        seen = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
        say(tls, get(real.host, "GET /bytes/5 HTTP/1.1"))
    tally.expect("findings of another server let nothing pass", seen != theirs)
    lie.close()
    real.close()


def resumed_after_reload(tally, world):
    """What was judged under a policy is not believed under the next one."""
    web = WebServer(world, "web.world.test")
    gate = world.gate(config="workers = 1; upstream { reuse = 0; }")
    context = gate.context(["http/1.1"])
    before = world.roots.read_text()
    with context.wrap_socket(gate.tunnel(web.host, web.port),
                             server_hostname=web.host) as held:
        held.sendall(get(web.host)[:-22] + b"\r\n")
        held.recv(65536)
        status, _, _ = gate.get(web.host, "/bytes/1", port=web.port)
        tally.expect("a good server", status == 200, status)
        try:
            world.roots.write_text((world.lab_folder / "roots.pem").read_text())
            gate.command("reload", "--state", str(gate.folder))
            for n in range(3):
                try:
                    status, _, _ = gate.get(web.host, "/bytes/1", port=web.port)
                except ssl.SSLCertVerificationError:
                    status = "no trusted leaf"
                tally.expect(f"its root is gone ({n})", status == "no trusted leaf", status)
        finally:
            world.roots.write_text(before)
    web.close()


def full_log(tally, world):
    """Whoever cannot be recorded is not let through, by no door."""
    disk = world.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", str(disk)],
                      check=False, stderr=subprocess.DEVNULL).returncode != 0:
        print("full log: skipped, no file system may be mounted here")
        return
    server = Talker()
    try:
        gate = world.gate(config=f'workers = 1; audit {{ folder = "{disk}/log"; }}')

        def tunnels():
            try:
                gate.tunnel("127.0.0.1", server.port).close()
            except (OSError, ConnectionError):
                return False
            return True

        tally.expect("a tunnel at first", tunnels())
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        wait_until("tunnels are turned away", lambda: not tunnels())
        server.heard.clear()
        with socket.create_connection(("127.0.0.1", gate.port()), 20) as raw:
            got = say(raw, get(f"127.0.0.1:{server.port}",
                               f"GET http://127.0.0.1:{server.port}/ HTTP/1.1"))
        tally.expect("so are plain requests", b" 200 " not in got and server.heard == [], got)
        (disk / "filler").unlink()
        wait_until("all is well again", tunnels)
        gate.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    server.close()


def own_address():
    """One of this computer's that is no loopback; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("198.51.100.1", 9))
        except OSError:
            return None
        return s.getsockname()[0]


def way_back(tally, world):
    """A tunnel to the gateway itself would make its own address the client's."""
    own = own_address()
    if own is None:
        print("way back: skipped, this computer has no address but loopback")
        return
    server = Talker(own)
    gate = world.gate(listen=["http://0.0.0.0:0"],
                      config='workers = 1; rule { client = 127.0.0.1; port = '
                             f'{server.port}; action = block; }}')
    try:
        with gate.tunnel(own, gate.port()) as raw:
            where = f"{own}:{server.port}"
            raw.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
            head = raw.recv(4096)
            tally.expect("no way back into the gateway", b" 200 " not in head.split(b"\r\n")[0],
                         head)
    except ConnectionError as refused:
        tally.expect("no way back into the gateway", True, refused)
    server.close()


def not_said_yet(tally, world):
    """Whether a tunnel carries TLS is not known before its client says something."""
    web, server = WebServer(world, "web.world.test"), Talker()
    gate = world.gate(config="workers = 1; rule { tls = no; action = block; }")
    try:
        status = gate.get(web.host, "/bytes/1", port=web.port)[0]
    except OSError as refused:
        status = refused
    tally.expect("TLS is not blocked by a rule for what is none", status == 200, status)
    got = say_through(gate, server, b"\x01raw")
    tally.expect("what is none, is", b" 200 " not in got and server.heard == [], got)
    got = say_through(gate, server, get("web.world.test"))
    tally.expect("requests without TLS are, too", b" 200 " not in got and server.heard == [], got)
    with socket.create_connection(("127.0.0.1", gate.port()), 20) as raw:
        got = say(raw, get("x", f"GET http://127.0.0.1:{server.port}/ HTTP/1.1"))
    tally.expect("and plain ones", got.startswith(b"HTTP/1.1 403") and server.heard == [], got)
    web.close()
    server.close()


def say_through(gate, server, *pieces):
    try:
        return say(gate.tunnel("127.0.0.1", server.port), *pieces)
    except OSError as refused:
        return repr(refused).encode()


def stricter_elsewhere(tally, world):
    """A certificate that is good for two names does not carry one's leniency to the other."""
    web = WebServer(world, "*.world.test")
    gate = world.gate(config='workers = 1; rule { names = [other.world.test];'
                             ' on { revocation-none = refuse; } }'
                             'rule { names = [h2.world.test]; tls = yes; action = block; }')
    for host, want in (("web.world.test", 200), ("other.world.test", 421),
                       ("h2.world.test", 403)):
        with tls_to(gate, "web.world.test", "web.world.test", web.port) as tls:
            got = say(tls, get(host, "GET /bytes/1 HTTP/1.1"))
        tally.expect(f"a request for {host}", got.startswith(f"HTTP/1.1 {want}".encode()),
                     got[:100])
    web.close()


PARTS = (destinations_without_tls, ports_without_tls, requests_in_pieces, h2_in_the_clear,
         what_was_blocked, borrowed_evidence, borrowed_findings, resumed_after_reload, full_log,
         way_back, not_said_yet, stricter_elsewhere)


def main():
    program, only = sys.argv[1], set(sys.argv[2:])
    tally = Tally("gate evasion")
    return gate_world.play(tally, program, PARTS, only)


if __name__ == "__main__":
    sys.exit(main())
