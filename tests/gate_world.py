"""What tests of the gate share: a lab of servers, a gate in front of it, and plain clients.

    with World(program) as world:
        gate = world.gate(listen=["http://127.0.0.1:0"], config='undefined = inspect;')
        status, body, peer = gate.get("good.lab.test")
"""
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import lab_cases

SECONDS = 60


def wait_until(what, met, seconds=SECONDS):
    """Waits for a condition; an AssertionError that says which one otherwise."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.02)


class Authority:
    """A CA of the test's own, and leaves for servers that the lab does not have."""

    def __init__(self, folder):
        self.folder = folder
        self.cert = folder / "own-ca.pem"
        self.openssl("req", "-x509", *self.new_key("own-ca"), "-out", str(self.cert), "-days",
                     "100", "-subj", "/CN=Test world root/O=Test world", "-addext",
                     "basicConstraints=critical,CA:TRUE", "-addext",
                     "keyUsage=critical,keyCertSign,cRLSign")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise AssertionError("openssl: " + done.stderr.decode())

    def new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                str(self.folder / f"{name}.key")]

    def leaf(self, host):
        """Certificate and key files."""
        name = host.replace("*", "any")
        cert = self.folder / f"{name}.pem"
        rules, request = self.folder / f"{name}.cnf", self.folder / f"{name}.csr"
        if not cert.exists():
            rules.write_text(f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth\n"
                             "keyUsage=critical,digitalSignature\n"
                             "basicConstraints=critical,CA:FALSE\n"
                             "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
            self.openssl("req", "-new", *self.new_key(name), "-out", str(request), "-subj",
                         f"/CN={host}")
            self.openssl("x509", "-req", "-in", str(request), "-CA", str(self.cert), "-CAkey",
                         str(self.folder / "own-ca.key"), "-CAcreateserial", "-days", "60",
                         "-extfile", str(rules), "-out", str(cert))
        return cert, self.folder / f"{name}.key"


class Origin:
    """A TLS server whose every connection is given to `act(socket)`."""

    def __init__(self, world, host, act, alpn=None, wants_certificate=False,
                 at=("127.0.0.1", 0)):
        self.host, self.act, self.open, self.accepted = host, act, True, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert, key = world.authority.leaf(host)
        self.context.load_cert_chain(cert, key)
        if alpn:
            self.context.set_alpn_protocols(alpn)
        if wants_certificate:
            self.context.verify_mode = ssl.CERT_OPTIONAL
            self.context.load_verify_locations(world.authority.cert)
        self.socket = socket.create_server(at, backlog=128)
        self.port = self.socket.getsockname()[1]
        self.hellos = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while self.open:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        try:
            raw.settimeout(SECONDS)
            with self.context.wrap_socket(raw, server_side=True) as tls:
                self.hellos += 1
                self.act(tls)
        except OSError:
            raw.close()

    def close(self):
        self.open = False
        self.socket.close()


class WebServer(Origin):
    """An Origin that speaks HTTP/1.1 with keep-alive: GET, HEAD, POST (counts what it got)."""

    def __init__(self, world, host, handler=None, **more):
        super().__init__(world, host, self.http, **more)
        self.handler = handler or EchoHandler

    def http(self, tls):
        self.handler(tls, ("127.0.0.1", 0), self)


class EchoHandler(http.server.BaseHTTPRequestHandler):
    """GET /bytes/N: N bytes; POST: how many came; else: the request as it arrived."""
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/bytes/"):
            self.answer(b"x" * int(self.path[7:]))
        else:
            self.answer((self.requestline + "\n" + str(self.headers)).encode())

    do_HEAD = do_GET

    def do_POST(self):
        got = 0
        if self.headers.get("Transfer-Encoding") == "chunked":
            while True:
                n = int(self.rfile.readline().split(b";")[0], 16)
                got += len(self.rfile.read(n))
                self.rfile.readline()
                if n == 0:
                    break
        else:
            left = int(self.headers.get("Content-Length", 0))
            while left > 0:
                piece = self.rfile.read(min(left, 65536))
                if not piece:
                    return
                got, left = got + len(piece), left - len(piece)
        self.answer(str(got).encode())

    def log_message(self, *_):
        pass


class Gate:
    """A running `midwatch gate`."""

    def __init__(self, world, listen, config, extra, env, before=None,
                 within=()):
        self.world = world
        self.program = world.program
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="gate", dir=world.folder))
        self.state.chmod(0o755)
        conf = self.state / "gate.conf"
        conf.write_text(config)
        ready = self.state / "ready"
        self.errors = self.state / "stderr"
        command = [*within, self.program, "gate", "--config", str(conf), "--state", str(self.state / "s"),
                   "--roots", str(world.roots), "--hosts-file", str(world.hosts),
                   "--local-roots", str(world.lab_folder / "local-roots.pem"),
                   "--dns", world.dns, "--ready-file", str(ready)]
        for url in listen:
            command += ["--listen", url]
        command += extra
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors,
                                            stderr=errors, env=env, preexec_fn=before)
        end = time.monotonic() + SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"the gate did not start: {self.said()}")
            time.sleep(0.02)
        self.urls = ready.read_text().split()
        self.folder = self.state / "s"
        self.ca = self.state / "ca.pem"
        self.ca.write_text(self.command("ca", "export", "--state", str(self.folder)))

    def said(self):
        return self.errors.read_text(errors="replace")

    def port(self, entrance="http"):
        for url in self.urls:
            if url.startswith(entrance + "://"):
                return int(url.rsplit(":", 1)[1])
        raise KeyError(entrance)

    def command(self, *words, check=True):
        """midwatch gate WORDS; its standard output."""
        done = subprocess.run([self.program, "gate", *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                              check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"gate {' '.join(words)}: status {done.returncode}: "
                                 + done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors="replace")

    def children(self):
        """{"worker 0": pid, "forge": pid, "scribe": pid}"""
        found = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                try:
                    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"--role" not in words:
                    continue
                role = words[words.index(b"--role") + 1].decode()
                if role == "worker":
                    role += " " + words[words.index(b"--index") + 1].decode()
                found[role] = int(pid)
        return found

    def records(self):
        """The audit log's lines, as JSON, oldest first."""
        lines = []
        for path in sorted((self.folder / "audit").glob("*.jsonl")):
            whole = path.read_text().rpartition("\n")[0]   # the last may be on its way
            lines += [json.loads(line) for line in whole.splitlines() if line]
        return lines

    def context(self, alpn=None, ca=None):
        context = ssl.create_default_context(cafile=str(ca or self.ca))
        if alpn:
            context.set_alpn_protocols(alpn)
        return context

    def tunnel(self, host, port=None, timeout=20):
        """A TCP socket to host:port by CONNECT; the answer's status if it is not 200."""
        raw = socket.create_connection(("127.0.0.1", self.port()), timeout)
        where = f"{host}:{port or self.world.tls_port}"
        raw.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = raw.recv(1)
            if not piece:
                raise ConnectionError("the proxy closed: " + head.decode(errors="replace"))
            head += piece
        status = int(head.split()[1])
        if status != 200:
            raw.close()
            raise ConnectionRefusedError(status)
        return raw

    def connect(self, host, alpn=None, ca=None, port=None, verify=True):
        """TLS through the gate."""
        context = self.context(alpn, ca)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        raw = self.tunnel(host, port)
        try:
            return context.wrap_socket(raw, server_hostname=host)
        except BaseException:
            raw.close()
            raise

    def get(self, host, path="/", **more):
        """Status, body and issuer's common name of one GET over HTTP/1.1."""
        with self.connect(host, **more) as tls:
            tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                        .encode())
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            body = answer.read()
            names = dict(pair[0] for pair in (tls.getpeercert() or {}).get("issuer", ()))
            return answer.status, body, names.get("commonName")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the gate did not end: " + self.said()) from None
        return self.process.returncode


class World:
    """A lab, and the gates in front of it; all gone at the end."""

    def __init__(self, program):
        self.program = program
        self.gates = []

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="midwatch-gate-")
        self.folder = pathlib.Path(self.temporary.name)
        self.folder.chmod(0o755)
        self.lab_folder = self.folder / "lab"
        self.lab_folder.mkdir(mode=0o755)
        self.lab = lab_cases.Lab(self.program, str(self.lab_folder))
        self.words = json.loads((self.lab_folder / "lab.json").read_text())["words"]
        self.dns = self.words["dns"]
        self.tls_port = int(self.words["tls"].rsplit(":", 1)[1])
        self.authority = Authority(self.folder)
        self.roots, self.hosts = self.folder / "roots.pem", self.folder / "hosts"
        self.roots.write_text((self.lab_folder / "roots.pem").read_text()
                              + self.authority.cert.read_text())
        self.hosts.write_text((self.lab_folder / "hosts").read_text() + "".join(
            f"127.0.0.1 {name}.world.test\n" for name in
            ("web", "other", "h2", "socket", "left-alone", "forbidden", "wants-certificate",
             "slow", "raw", "nobody")))
        return self

    def gate(self, listen=("http://127.0.0.1:0",), config="", extra=(), env=None,
             before=None, within=()):
        gate = Gate(self, list(listen), config, list(extra), env, before, within)
        self.gates.append(gate)
        return gate

    def __exit__(self, *_):
        try:
            for gate in self.gates:
                gate.stop()
        finally:
            self.lab.close()
            self.temporary.cleanup()


class Tally:
    """Counts expectations and says which were not met."""

    def __init__(self, name):
        self.name, self.n, self.failed = name, 0, 0

    def expect(self, what, met, got=""):
        self.n += 1
        if not met:
            self.failed += 1
            print(f"FAILED: {what}" + (f"; got {got}" if got != "" else ""), flush=True)

    def end(self):
        print(f"{self.name}: {self.failed} of {self.n} expectations failed")
        return 1 if self.failed or self.n == 0 else 0


def play(tally, program, parts, only):
    """Each part in one world: all, or those named.  What a part leaves running is stopped."""
    with World(program) as world:
        for part in parts:
            if only and part.__name__ not in only:
                continue
            failed = tally.failed
            try:
                part(tally, world)
            except Exception as wrong:      # the other parts have their say
                tally.expect(part.__name__, False, repr(wrong))
            for gate in world.gates:
                gate.stop()
            if tally.failed > failed and world.gates:
                print(world.gates[-1].said())
    return tally.end()
