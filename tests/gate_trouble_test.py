"""Trouble around the gate: processes that die, peers that stall, break off, flood or lie, files
that cannot be read or written.  Others must not notice, and the log must stay whole.

usage: gate_trouble_test.py MIDWATCH
"""
import base64
import concurrent.futures
import os
import resource
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time

import gate_world
from gate_world import Origin, Tally, WebServer, wait_until

FAST = "limits { hello-time = 2s; dial-time = 2s; handshake-time = 2s; idle-time = 3s; }\n"


def good(gate, web):
    """Does an ordinary client get its answer?"""
    try:
        return gate.get(web.host, "/bytes/100", port=web.port)[:2] == (200, b"x" * 100)
    except OSError:
        return False


def verified(gate):
    return gate.command("log", "verify", "--state", str(gate.folder)).startswith("whole")


def killed(tally, world):
    """Each process is killed under load: the service goes on, records are kept."""
    gate, web = world.gate(config="workers = 2;"), WebServer(world, "web.world.test")
    stop, counts = [], {"good": 0, "bad": 0}

    def load():
        while not stop:
            counts["good" if good(gate, web) else "bad"] += 1

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(load)
        try:
            for role in ("worker 0", "forge", "scribe", "worker 1", "scribe"):
                victim = gate.children()[role]
                os.kill(victim, signal.SIGKILL)
                wait_until(f"the {role} is back", lambda r=role, v=victim:
                           gate.children().get(r, v) != v)
                before = counts["good"]
                wait_until(f"clients are served after the {role} died",
                           lambda b=before: counts["good"] > b + 5)
        finally:
            stop.append(True)
    tally.expect("sessions of the killed workers alone are lost", counts["bad"] <= 40, counts)
    served = counts["good"]

    def recorded():
        return sum(r["event"]["action"] == "inspect" and r["event"]["outcome"] == "success"
                   for r in gate.records())
    wait_until("all served sessions are in the log", lambda: recorded() >= served - 40)
    serials = [r["event"]["id"] for r in gate.records() if "id" in r["event"]]
    tally.expect("no record is there twice", len(serials) == len(set(serials)))
    tally.expect("the log is whole after all that", verified(gate))
    tally.expect("what died is said", gate.said().count("killed by signal 9") == 5, gate.said())


def stalled(tally, world):
    gate, web = world.gate(config=FAST), WebServer(world, "web.world.test")
    mute = socket.create_server(("127.0.0.1", 0))
    silent = [socket.create_connection(("127.0.0.1", gate.port()))]
    slow = socket.create_connection(("127.0.0.1", gate.port()))
    tunnel = gate.tunnel("web.world.test", web.port)
    began = time.monotonic()
    while time.monotonic() - began < 1.5:   # a byte now and then does not buy time
        slow.sendall(b"C")
        time.sleep(0.3)
    for what, s in (("a silent client", silent[0]), ("a slow client", slow),
                    ("a tunnel without a hello", tunnel)):
        s.settimeout(20)
        try:
            ended = s.recv(1) == b"" or s.recv(4096) is not None
        except ConnectionError:
            ended = True
        except TimeoutError:
            ended = False
        tally.expect(f"{what} is ended", ended)
    try:
        status, body, _ = gate.get("web.world.test", port=mute.getsockname()[1], verify=False)
        tally.expect("a server that never answers gets a page", status == 504 or
                     b"cannot be reached" in body or b"No safe connection" in body,
                     (status, body[:200]))
    except OSError:
        tally.expect("a server that never answers ends the client", True)
    idle = gate.connect("web.world.test", port=web.port)
    idle.settimeout(20)
    try:
        tally.expect("an idle connection is ended", idle.recv(1) == b"")
    except ssl.SSLError:
        tally.expect("an idle connection is ended", True)
    tally.expect("others are served meanwhile", good(gate, web))
    outcomes = [r["midwatch"].get("outcome") for r in gate.records()]
    tally.expect("time-outs are told in the log", outcomes.count("timed-out") >= 3, outcomes)


def broken_off(tally, world):
    gate = world.gate(config=FAST)
    web = WebServer(world, "web.world.test")

    def cut(tls):
        tls.recv(4096)
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        tls.unwrap()

    def nonsense(tls):
        tls.recv(4096)
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef")
        time.sleep(1)

    short = Origin(world, "other.world.test", cut)
    with gate.connect("other.world.test", port=short.port) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: other.world.test\r\n\r\n")
        got = b""
        try:
            while piece := tls.recv(4096):
                got += piece
        except OSError:
            pass
        tally.expect("a body that is cut is not made whole", got.endswith(b"only this"), got)
    bad = Origin(world, "other.world.test", nonsense)
    status, body, _ = gate.get("other.world.test", port=bad.port)
    tally.expect("an answer with two lengths is none", status == 502 and b"abcdef" not in body,
                 (status, body[:200]))
    for _ in range(20):
        s = gate.tunnel("web.world.test", web.port)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(b"\x16\x03\x01\x02\x00\x01")
        s.close()                           # RST in the middle of the hello
    tally.expect("resets do not matter to others", good(gate, web))


SMUGGLED = [
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
    b"\r\n\r\n0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\nTransfer-Encoding: xchunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : web.world.test\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\nHost: other.world.test\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\n folded: x\r\n\r\n",
    b"GET / HTTP/1.1\nHost: web.world.test\n\n",
    b"GET  / HTTP/1.1\r\nHost: web.world.test\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\nA: \x00\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: web.world.test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: web.world.test\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: web.world.test\r\n\r\n",
    b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: web.world.test\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\n" + b"X-Bomb: " + b"b" * 100000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: web.world.test\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
]


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def nobody_speaks(tally, world):
    """A server that closes while its client is silent costs nothing until somebody says something.
    How busy the computer is only makes this easier to pass."""
    gate = world.gate(config="workers = 1;")
    server = socket.create_server(("127.0.0.1", 0))
    raw = gate.tunnel("web.world.test", server.getsockname()[1])
    server.accept()[0].close()
    time.sleep(0.5)
    worker = gate.children()["worker 0"]
    before = cpu_ticks(worker)
    time.sleep(3)
    ticks = cpu_ticks(worker) - before
    tally.expect("a closed server is not looked at all the time",
                 ticks < 0.45 * os.sysconf("SC_CLK_TCK"), ticks)
    raw.sendall(b"\0 raw")
    try:
        got = raw.recv(100)
    except ConnectionError:
        got = b""
    tally.expect("and its client hears so in the end", got == b"", got)
    raw.close()
    server.close()
    gate.stop()


def malformed(tally, world):
    gate = world.gate(config=FAST)
    heard = []

    def listen(tls):
        heard.append(tls.recv(65536))

    server, web = Origin(world, "web.world.test", listen), WebServer(world, "web.world.test")
    for words in SMUGGLED:
        with gate.connect("web.world.test", port=server.port) as tls:
            try:
                tls.sendall(words)
                answer = tls.recv(4096)
            except OSError:
                answer = b""
        status = answer.split(b" ")[1] if answer.startswith(b"HTTP/1.1 ") else b"closed"
        tally.expect(f"{words[:60]!r} is refused",
                     status in (b"400", b"413", b"414", b"431", b"501", b"505", b"closed"), answer)
    time.sleep(0.2)
    passed = [h for h in heard if b"Host: web.world.test" in h and h.startswith(b"GET")]
    tally.expect("the server hears nothing of them", not passed, passed[:2])
    for junk in (b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x05\x01\x00\xff\xff\xff",
                 b"\x80\x2e\x01\x00\x02", b"\0" * 100, os.urandom(300)):
        s = gate.tunnel("web.world.test", server.port)
        s.sendall(junk)
        s.settimeout(10)
        s.shutdown(socket.SHUT_WR)
        try:
            s.recv(4096)
        except OSError:
            pass
        s.close()
    for junk in (b"\0" * 50, b"CONNECT\r\n\r\n", b"CONNECT x:99999 HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n", b"A" * 20000):
        s = socket.create_connection(("127.0.0.1", gate.port()))
        s.settimeout(10)
        try:
            s.sendall(junk)
            answer = s.recv(4096)
        except OSError:
            answer = b""
        tally.expect(f"the door refuses {junk[:30]!r}", answer == b"" or
                     answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer)
        s.close()
    tally.expect("nobody died of it", good(gate, web) and "killed" not in gate.said(),
                 gate.said())


def crowded(tally, world):
    """10,000 connections that say nothing, then too many for the limits, then no descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = min(10000, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gate = world.gate(config="workers = 2; limits { hello-time = 120s; per-client = 20000; }\n")
    web = WebServer(world, "web.world.test")
    idle = [socket.create_connection(("127.0.0.1", gate.port())) for _ in range(want)]
    tally.expect(f"an ordinary client is served beside {want} idle ones", good(gate, web))
    for s in idle:
        s.close()
    wait_until("an ordinary client is served after them", lambda: good(gate, web))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    few = world.gate(config="workers = 1; limits { per-client = 5; }\n")
    held = [socket.create_connection(("127.0.0.1", few.port())) for _ in range(20)]
    time.sleep(0.3)
    tally.expect("a client over its limit is turned away", not good(few, web))
    for s in held:
        s.close()
    wait_until("and served again once it let go", lambda: good(few, web))

    poor = world.gate(config="workers = 1; limits { per-client = 1000; hello-time = 3s; }\n",
                      before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80)))
    worker = poor.children()["worker 0"]
    held = [socket.create_connection(("127.0.0.1", poor.port())) for _ in range(200)]
    time.sleep(0.5)
    tally.expect("no descriptors left is not the end", poor.children()["worker 0"] == worker)
    for s in held:
        s.close()
    wait_until("clients are served once there are some again", lambda: good(poor, web))


def full_disk(tally, world):
    """The log cannot be written: policy says block or pass."""
    web = WebServer(world, "web.world.test")
    disk = world.folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", str(disk)],
                      check=False, stderr=subprocess.DEVNULL).returncode != 0:
        print("full disk: skipped, no file system may be mounted here")
        return
    try:
        for words, served in (("block", False), ("pass", True)):
            folder = disk / words
            gate = world.gate(config=f'workers = 1; audit {{ folder = "{folder}"; '
                                     f'when-full = {words}; }}')
            scribe = gate.children()["scribe"]
            tally.expect("the log is written at first", good(gate, web))
            filler = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                while True:
                    os.write(filler, b"x" * 4096)
            except OSError:
                os.close(filler)
            for _ in range(12):     # what is left of the last page
                good(gate, web)
            if served:
                time.sleep(2)
                tally.expect(f"{words}: clients are served", good(gate, web))
            else:
                wait_until(f"{words}: clients are turned away",
                           lambda g=gate: not good(g, web))
            (disk / "filler").unlink()
            wait_until(f"{words}: all is well again", lambda g=gate: good(g, web))
            log = sorted(folder.glob("*.jsonl"))
            wait_until("the log is whole", lambda g=gate, l=log: g.command(
                "log", "verify", *map(str, l), "--key", str(g.folder / "audit.pub"),
                check=False).startswith("whole"))
            tally.expect("the scribe lived through it", gate.children()["scribe"] == scribe)
            gate.stop()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def scribe_stalls(tally, world):
    """More records than wait while the scribe does not write: nobody passes until it does again."""
    server = socket.create_server(("127.0.0.1", 0), backlog=1000)
    long = ".".join(["a" * 60] * 4) + ".test"
    gate = world.gate(config="workers = 1; rule { port = 9; action = block; }")
    blocked = f"CONNECT {long}:9 HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    def passes():
        try:
            gate.tunnel("127.0.0.1", server.getsockname()[1]).close()
        except OSError:
            return False
        server.accept()[0].close()
        return True

    def unheard(_):
        for _ in range(100):
            with socket.create_connection(("127.0.0.1", gate.port()), 20) as raw:
                raw.sendall(blocked)
                raw.recv(65536)

    tally.expect("a tunnel at first", passes())
    scribe = gate.children()["scribe"]
    os.kill(scribe, signal.SIGSTOP)
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for _ in range(100):
                list(pool.map(unheard, range(8)))
                if not passes():
                    break
        tally.expect("nobody passes unrecorded", not passes())
    finally:
        os.kill(scribe, signal.SIGCONT)
    wait_until("all is well again", passes)
    server.close()
    gate.stop()


def drained_early(tally, world):
    """Whoever was about to begin when the gate was told to end does not keep it for ever."""
    gate, web = world.gate(config="workers = 1;"), WebServer(world, "web.world.test")
    raw = gate.tunnel("web.world.test", web.port)
    gate.process.send_signal(signal.SIGTERM)
    wait_until("nobody is let in", lambda: not listens(gate.port()))
    with gate.context().wrap_socket(raw, server_hostname="web.world.test") as tls:
        tls.sendall(b"GET /bytes/3 HTTP/1.1\r\nHost: web.world.test\r\n\r\n")
        got = tls.recv(4096).lower()
        tally.expect("it is served", b"200 ok" in got, got)
        tally.expect("and told that this was all", b"connection: close" in got, got)
    gate.process.wait(gate_world.SECONDS)
    web.close()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


def misconfigured(tally, world):
    gate, web = world.gate(config="workers = 1;"), WebServer(world, "web.world.test")
    conf = gate.state / "gate.conf"
    held = gate.connect("web.world.test", port=web.port)
    conf.write_text("workers = 1;\nrule { names = [web.world.test; action = bypas }\n")
    answer = gate.command("reload", "--state", str(gate.folder), check=False)
    tally.expect("a broken configuration is not taken", good(gate, web), answer)
    conf.write_text('workers = 1; rule { names = [web.world.test]; action = block; }\n')
    gate.command("reload", "--state", str(gate.folder))
    wait_until("a good one is", lambda: not good(gate, web))
    held.sendall(b"GET /bytes/3 HTTP/1.1\r\nHost: web.world.test\r\nConnection: close\r\n\r\n")
    tally.expect("a connection from before goes on by what it began with",
                 b"200 OK" in held.recv(4096))
    gate.stop()
    key = gate.folder / "ca" / "intermediate-ec.key"
    key.write_text("no key at all")
    said = world.program, "gate", "--config", str(conf), "--state", str(gate.folder)
    with subprocess.Popen([*said, "--listen", "http://127.0.0.1:0", "--ready-file",
                           str(gate.state / "again")], stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL) as process:
        try:
            _, err = process.communicate(timeout=8)
            tally.expect("a damaged CA key is told", b"intermediate-ec" in err, err)
        except subprocess.TimeoutExpired:
            process.terminate()
            _, err = process.communicate(timeout=30)
            tally.expect("a damaged CA key is told or made anew", b"intermediate-ec" in err
                         or b"BEGIN ENCRYPTED" in key.read_bytes(), err)


def ask(gate, target, password=None, source="127.0.0.1"):
    """A request to the proxy that waits for its answer."""
    s = socket.create_connection(("127.0.0.1", gate.port()), 60, (source, 0))
    head = f"GET {target} HTTP/1.1\r\nHost: x\r\n"
    if password is not None:
        word = base64.b64encode(f"anna:{password}".encode()).decode()
        head += f"Proxy-Authorization: Basic {word}\r\n"
    s.sendall((head + "\r\n").encode())
    return s


def status(s):
    with s:
        head = s.recv(4096)
    return int(head.split()[1]) if head else 0


def guessed(tally, world):
    """Passwords take long to work out, and a guesser must not hold up the others."""
    made = subprocess.run(["openssl", "passwd", "-6", "-salt", "rounds=300000$saltsalt",
                           "secret"], capture_output=True, check=True).stdout.decode()
    users = world.folder / "users"
    users.write_text(f"anna:{made.strip()}:staff\n")
    web = WebServer(world, "web.world.test")
    gate = world.gate(config=f"workers = 1; users-file = \"{users}\";"
                             "limits { hello-time = 60s; }")
    plain = f"http://{world.words['http']}/"
    guesses = [ask(gate, plain, f"guess {n}", f"127.0.0.{n + 2}") for n in range(6)]
    tally.expect("who needs no password is answered", status(ask(gate, "/")) == 200)
    answered = select.select(guesses, [], [], 0)[0]
    tally.expect("while guesses are still looked at", len(answered) < len(guesses),
                 len(answered))
    gone = ask(gate, plain, "secret", "127.0.0.77")     # nobody is there to be told
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.close()
    got = [status(s) for s in guesses]
    tally.expect("guesses are wrong", got == [407] * len(guesses), got)
    flood = [ask(gate, plain, f"another {n}", "127.0.0.99") for n in range(14)]
    tally.expect("anna signs in meanwhile", status(ask(gate, plain, "secret")) in (200, 404))
    got = [status(s) for s in flood]
    tally.expect("one client's flood is cut short", 0 in got and 407 in got
                 and set(got) == {0, 407}, got)
    raw = socket.create_connection(("127.0.0.1", gate.port()), 60)
    raw.sendall(f"CONNECT {web.host}:{web.port} HTTP/1.1\r\nHost: x\r\n"
                "Proxy-Authorization: Basic "
                f"{base64.b64encode(b'anna:secret').decode()}\r\n\r\n".encode())
    tally.expect("and again", status(raw) == 200)
    pid = gate.children()["worker 0"]
    waiting = [ask(gate, plain, f"at the end {n}") for n in range(6)]
    gate.stop()
    tally.expect("it ended in peace", pid and gate.process.returncode == 0
                 and "killed by" not in gate.said(), gate.said())
    for s in waiting:
        s.close()


def main():
    program, only = sys.argv[1], set(sys.argv[2:])
    tally = Tally("gate trouble")
    parts = (killed, stalled, broken_off, nobody_speaks, malformed, crowded, full_disk,
             scribe_stalls, drained_early, misconfigured, guessed)
    return gate_world.play(tally, program, parts, only)


if __name__ == "__main__":
    sys.exit(main())
