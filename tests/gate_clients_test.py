"""Ordinary clients through the gate: what is inspected, left alone, refused and blocked.

usage: gate_clients_test.py MIDWATCH [PART...]
"""
import base64
import hashlib
import http.client
import http.server
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading

import gate_world
from gate_world import Tally, WebServer, Origin
from http2_client import Http2

CONFIG = """
contact = "help@example.test";
rule "left alone" { names = [left-alone.world.test]; action = bypass; reason = "chosen by us"; }
rule "forbidden" { names = [.forbidden.world.test]; action = block; reason = "not at work"; }
"""


def websocket(tls):
    """A server that answers the handshake and echoes one frame at a time, unmasked."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += tls.recv(4096)
    key = next(line.split(b":")[1].strip() for line in head.split(b"\r\n")
               if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(
        key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    tls.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while True:
        head = read(tls, 2)
        n = head[1] & 0x7f
        if n == 126:
            n = struct.unpack(">H", read(tls, 2))[0]
        mask, data = read(tls, 4), read(tls, n)
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        size = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n)
        tls.sendall(head[:1] + size + data)


def read(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


def peer_of(world, host, port):
    """The origin's own certificate, DER."""
    context = ssl.create_default_context(cafile=str(world.roots))
    with socket.create_connection(("127.0.0.1", port)) as raw, \
            context.wrap_socket(raw, server_hostname=host) as tls:
        return tls.getpeercert(True)


def inspected(tally, world, gate):
    web = WebServer(world, "web.world.test")
    status, body, issuer = gate.get("web.world.test", "/hello?x=1", port=web.port)
    tally.expect("a GET passes under our leaf", status == 200 and "Midwatch gate" in issuer
                 and body.startswith(b"GET /hello?x=1 HTTP/1.1"), (status, body, issuer))
    with gate.connect("web.world.test", port=web.port) as tls:
        forged = tls.getpeercert()
    tally.expect("the leaf names what the origin's does",
                 forged["subjectAltName"] == (("DNS", "web.world.test"),), forged)
    for size in (0, 1, 65536, 5000000):
        got = gate.get("web.world.test", f"/bytes/{size}", port=web.port)[1]
        tally.expect(f"{size} bytes come whole", got == b"x" * size, len(got))
    with gate.connect("web.world.test", port=web.port) as tls:
        one = http.client.HTTPSConnection("web.world.test")
        one.sock = tls
        for size in (10, 3000000):
            one.request("POST", "/", body=b"y" * size)
            tally.expect(f"{size} bytes go up whole", one.getresponse().read()
                         == str(size).encode())
        one.request("POST", "/", body=iter([b"z" * 1000] * 50), encode_chunked=True,
                    headers={"Transfer-Encoding": "chunked"})
        tally.expect("chunks go up whole", one.getresponse().read() == b"50000")
        one.request("HEAD", "/bytes/77")
        answer = one.getresponse()
        tally.expect("HEAD has a length and no body", answer.read() == b""
                     and answer.headers["Content-Length"] == "77")
    other = gate.connect("web.world.test", port=web.port)
    with other as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: bank.world.test\r\nConnection: close\r\n\r\n")
        status = int(tls.recv(4096).split()[1])
    tally.expect("a Host that the connection is not for is misdirected", status == 421, status)


def left_alone(tally, world, gate):
    web = WebServer(world, "left-alone.world.test")
    context = ssl.create_default_context(cafile=str(world.roots))
    raw = gate.tunnel("left-alone.world.test", web.port)
    with context.wrap_socket(raw, server_hostname="left-alone.world.test") as tls:
        seen = tls.getpeercert(True)
        tls.sendall(b"GET /bytes/300000 HTTP/1.1\r\nHost: left-alone.world.test\r\n"
                    b"Connection: close\r\n\r\n")
        got = b"".join(iter(lambda: tls.recv(65536), b""))
    tally.expect("a bypass shows the origin's certificate, byte for byte",
                 seen == peer_of(world, "left-alone.world.test", web.port))
    tally.expect("one connection for each of us two", web.accepted == 2, web.accepted)
    tally.expect("a bypass passes all bytes", got.endswith(b"x" * 300000), len(got))
    # The name of an excepted site as SNI does not open a way to another one.
    secret = WebServer(world, "web.world.test")
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = gate.tunnel("web.world.test", secret.port)
    try:
        with context.wrap_socket(raw, server_hostname="left-alone.world.test") as tls:
            tally.expect("a borrowed SNI is no bypass", tls.getpeercert(True)
                         != peer_of(world, "web.world.test", secret.port))
    except OSError:
        tally.expect("a borrowed SNI is no bypass", True)


def borrowed(tally, world, gate):
    """A client asks for an address and names an excepted site: it gets that site's own addresses,
    and what the rules say of those."""
    host = "left-alone.world.test"      # 127.0.0.1
    real = [WebServer(world, host) for _ in range(3)]
    lies = [WebServer(world, host, at=("127.0.0.2", web.port)) for web in real]
    config = (f"workers = 1;"
              f'rule "closed" {{ destination = "127.0.0.1"; port = {real[0].port};'
              f' action = block; }}'
              f'rule "watched" {{ destination = "127.0.0.1"; port = {real[1].port};'
              f' action = inspect; }}' + CONFIG)
    gate = world.gate(config=config)
    for web, met in zip(real, ("block", "inspect", "bypass")):
        context = gate.context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(gate.tunnel("127.0.0.2", web.port), server_hostname=host) as tls:
            leaf = tls.getpeercert(True)
            tls.sendall(f"GET /bytes/9 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
                        .encode())
            got = b"".join(iter(lambda: tls.recv(65536), b""))
        ours = leaf != peer_of(world, host, web.port)
        tally.expect(f"{met} at the name's own address", got.startswith(
            b"HTTP/1.1 403" if met == "block" else b"HTTP/1.1 200")
            and ours == (met != "bypass"), (ours, got[:200]))
    tally.expect("nobody got through to another server", all(lie.hellos == 0 for lie in lies))
    gate.stop()
    said = [line["event"]["action"] for line in gate.records()
            if line.get("destination", {}).get("domain") == host]
    tally.expect("the log says so", said == ["block", "inspect", "bypass"], said)


def plain_destinations(tally, world, gate):
    """Plain requests on one connection to the proxy: each is held to its own address and port."""
    class Handler(gate_world.EchoHandler):
        pass

    def serve(address):
        server = http.server.ThreadingHTTPServer((address, 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, server.server_address[1]

    servers = [serve("127.0.0.1"), serve("127.0.0.2"), serve("127.0.0.1")]
    here, there, closed = (port for _, port in servers)
    with open(world.hosts, "a", encoding="ascii") as hosts:
        hosts.write("127.0.0.2 there.world.test\n")
    gate = world.gate(config="workers = 1; rule { destination = 127.0.0.2; action = block; }"
                             f"rule {{ port = {closed}; action = block; }}")
    proxy = http.client.HTTPConnection("127.0.0.1", gate.port(), timeout=gate_world.SECONDS)
    for url, want in ((f"http://web.world.test:{here}/", 200),
                      (f"http://127.0.0.2:{there}/", 403),
                      (f"http://web.world.test:{here}/", 200),
                      (f"http://there.world.test:{there}/", 403),
                      (f"http://there.world.test:{there}/", 403),
                      (f"http://web.world.test:{closed}/", 403),
                      (f"http://web.world.test:{here}/again", 200)):
        proxy.request("GET", url)
        answer = proxy.getresponse()
        answer.read()
        tally.expect(f"plain {url}", answer.status == want, answer.status)
    proxy.close()
    for server, _ in servers:
        server.shutdown()
        server.server_close()


def not_tls(tally, world, gate):
    """What is no TLS in a tunnel: let through, or ended before the server hears of it."""
    heard = []

    def answer(server):
        while True:
            try:
                raw, _ = server.accept()
            except OSError:
                return
            with raw:
                said = raw.recv(100)
                if said:
                    heard.append(said)
                    raw.sendall(b"server " + said)

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=answer, args=(server,), daemon=True).start()
    for action in ("bypass", "inspect", "block"):
        gate = world.gate(config=f"workers = 1; not-tls = {action};")
        hello = f"{action} 1.0\r\n".encode()
        got = b""
        try:
            with gate.tunnel("web.world.test", server.getsockname()[1]) as raw:
                raw.sendall(hello)
                got = b"".join(iter(lambda: raw.recv(100), b""))
        except ConnectionError:
            pass                        # ended with bytes unread
        gate.stop()
        tally.expect(f"no TLS in a tunnel: {action}",
                     got == (b"" if action == "block" else b"server " + hello), got)
    server.close()
    tally.expect("what was blocked reached nobody",
                 heard == [b"bypass 1.0\r\n", b"inspect 1.0\r\n"], heard)


def refused(tally, world, gate):
    for name, word in (("expired.lab.test", b"expired"), ("revoked.lab.test", b"revoked"),
                       ("self-signed.lab.test", b"self-signed")):
        try:
            gate.get(name)
            tally.expect(f"{name} gets no trusted leaf", False, "a trusted one")
        except ssl.SSLCertVerificationError:
            tally.expect(f"{name} gets no trusted leaf", True)
        try:
            status, body, _ = gate.get(name, verify=False)
        except OSError as wrong:
            status, body = wrong, b""
        tally.expect(f"the page says why {name} is refused", status == 403
                     and word in body.lower() and b"help@example.test" in body,
                     (status, body[:300]))
    try:
        gate.tunnel("www.forbidden.world.test")
        tally.expect("a blocked name is refused at once", False)
    except ConnectionRefusedError as status:
        tally.expect("a blocked name is refused at once", status.args[0] == 403, status)
    try:
        gate.tunnel("nobody.world.test", 1)
        tally.expect("a closed port is a bad gateway", False)
    except ConnectionRefusedError as status:
        tally.expect("a closed port is a bad gateway", status.args[0] in (502, 503), status)
    try:
        gate.tunnel("no-such-name.world.test", 443)
        tally.expect("an unknown name is a bad gateway", False)
    except ConnectionRefusedError as status:
        tally.expect("an unknown name is a bad gateway", status.args[0] in (502, 503, 504), status)


def evidence_in_handshakes(tally, world, gate):
    """What servers say of themselves in TLS, receipts and staples, is asked for and judged."""
    gate = world.gate(config="workers = 1; upstream { ct-logs = "
                             f"\"{world.lab_folder}/ct-logs.json\"; }}")
    cases = {case["name"]: case for case in world.lab.cases() if case["group"] == "transparency"
             or "staple" in case["name"]}
    tally.expect("the lab has them", {"sct-in-tls", "must-staple-met", "staple-revoked"}
                 <= set(cases) and len(cases) >= 12, sorted(cases))
    for name in cases:
        gate.get(f"{name}.lab.test", verify=False)
    gate.stop()
    found = {line["destination"]["domain"].split(".")[0]:
             line["midwatch"].get("findings", []) for line in gate.records()
             if "domain" in line.get("destination", {})}
    for name, case in cases.items():
        got = found.get(name, ["no record"])
        tally.expect(f"findings of {name}", set(case["expect"]["findings"]) <= set(got)
                     and not set(case["expect"]["not"]) & set(got), (got, case["expect"]))


def upgraded(tally, world, gate):
    server = Origin(world, "socket.world.test", websocket)
    with gate.connect("socket.world.test", port=server.port) as tls:
        tls.sendall(b"GET /chat HTTP/1.1\r\nHost: socket.world.test\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += tls.recv(1)
        tally.expect("a WebSocket opens", head.startswith(b"HTTP/1.1 101")
                     and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head)
        for n in (5, 125, 126, 60000):
            size = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n)
            tls.sendall(b"\x82" + size + b"abcd" + b"\0" * n)
            frame = read(tls, 2)
            got = frame[1] if frame[1] < 126 else struct.unpack(">H", read(tls, 2))[0]
            tally.expect(f"a frame of {n} bytes comes back",
                         got == n and read(tls, n) == (b"abcd" * n)[:n])
        tls.sendall(b"\x82\x05hello")   # not masked: RFC 6455 section 5.1
        left = b""
        try:
            left = b"".join(iter(lambda: tls.recv(4096), b""))
        except OSError:
            pass
        tally.expect("an unmasked frame ends it", not left.endswith(b"hello"), left)


def certificate_wanted(tally, world, gate):
    server = WebServer(world, "wants-certificate.world.test", wants_certificate=True)
    for _ in range(2):      # found out, then known
        context = ssl.create_default_context(cafile=str(world.roots))
        raw = gate.tunnel(server.host, server.port)
        with context.wrap_socket(raw, server_hostname=server.host) as tls:
            tally.expect("a server that wants a client's certificate is left alone",
                         tls.getpeercert(True)
                         == peer_of(world, server.host, server.port))
    for words, met in (("client-cert = block;", "blocked"), ("client-cert = without;", "our leaf"),
                       ('rule { client-cert-wanted = yes; action = block; }', "blocked")):
        other = world.gate(config="workers = 1;" + words)
        for _ in range(2):
            try:
                status, body, issuer = other.get(server.host, "/bytes/3", port=server.port,
                                                 verify=met != "blocked")
            except OSError as wrong:
                status, body, issuer = wrong, b"", ""
            tally.expect(f"{words} {met}", status == 403 if met == "blocked" else
                         status == 200 and "Midwatch gate" in issuer, (status, body[:200]))


def certificate_wanted_elsewhere(tally, world, gate):
    """A server that wants a certificate is left alone, but not under a name it has borrowed."""
    real = WebServer(world, "wants-certificate.world.test", wants_certificate=True)
    lie = WebServer(world, real.host, wants_certificate=True, at=("127.0.0.2", real.port))
    gate = world.gate(config="workers = 1;")
    for n in range(1, 3):       # found out, then known
        context = ssl.create_default_context(cafile=str(world.roots))
        raw = gate.tunnel("127.0.0.2", real.port)
        with context.wrap_socket(raw, server_hostname=real.host) as tls:
            tls.sendall(b"GET /bytes/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b"".join(iter(lambda: tls.recv(65536), b""))
        tally.expect(f"bypass {n} reaches the name's own address", got.endswith(b"\r\n\r\nx")
                     and real.hellos == n + 1,     # once it was asked itself, by us
                     (real.hellos, lie.hellos, got))


def other_clients(tally, world, gate):
    web = WebServer(world, "web.world.test")
    url = f"https://web.world.test:{web.port}/bytes/1234"
    proxy = f"http://127.0.0.1:{gate.port()}"
    if shutil.which("curl"):
        got = subprocess.run(["curl", "-sS", "--proxy", proxy, "--cacert", str(gate.ca), url],
                             capture_output=True, timeout=60, check=False)
        tally.expect("curl", got.stdout == b"x" * 1234, got)
        if any(u.startswith("socks5") for u in gate.urls):
            got = subprocess.run(["curl", "-sS", "--proxy",
                                  f"socks5h://127.0.0.1:{gate.port('socks5')}", "--cacert",
                                  str(gate.ca), url], capture_output=True, timeout=60,
                                 check=False)
            tally.expect("curl by SOCKS5", got.stdout == b"x" * 1234, got)
        got = subprocess.run(["curl", "-sS", "--proxy", proxy, "-o", "/dev/null", "-w",
                              "%{http_code}", f"http://{world.words['http']}/"],
                             capture_output=True, timeout=60, check=False)
        tally.expect("a plain request through the proxy is answered",
                     got.stdout.isdigit() and int(got.stdout) in (200, 204, 404), got)
    node = shutil.which("node")
    if node:
        script = ("const n=require('net'),t=require('tls');const s=n.connect(%d,'127.0.0.1',()=>"
                  "s.write('CONNECT web.world.test:%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'));"
                  "s.once('data',()=>{const c=t.connect({socket:s,servername:'web.world.test'},"
                  "()=>c.write('GET /bytes/99 HTTP/1.1\\r\\nHost: web.world.test\\r\\n"
                  "Connection: close\\r\\n\\r\\n'));let b='';c.on('data',d=>b+=d);"
                  "c.on('end',()=>console.log(b.split('\\r\\n\\r\\n')[1].length))})"
                  % (gate.port(), web.port))
        got = subprocess.run([node, "-e", script], capture_output=True, timeout=60, check=False,
                             env=dict(os.environ, NODE_EXTRA_CA_CERTS=str(gate.ca)))
        tally.expect("Node", got.stdout.strip() == b"99", got)


def http2(tally, world, gate):
    if not shutil.which("nghttpd") or not shutil.which("curl"):
        return
    cert, key = world.authority.leaf("h2.world.test")
    root = world.folder / "h2"
    root.mkdir()
    (root / "big").write_bytes(b"h" * 3000000)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen(["nghttpd", "-d", str(root), "--address=127.0.0.1", str(port),
                               str(key), str(cert)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        def listens():
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return True
            except OSError:
                return False
        gate_world.wait_until("nghttpd listens", listens)
        got = subprocess.run(
            ["curl", "-sS", "--http2", "--proxy", f"http://127.0.0.1:{gate.port()}", "--cacert",
             str(gate.ca), "-w", "%{http_version} %{size_download}", "-o", "/dev/null",
             "-o", "/dev/null", f"https://h2.world.test:{port}/big",
             f"https://h2.world.test:{port}/big"],
            capture_output=True, timeout=60, check=False)
        tally.expect("HTTP/2 on both sides", got.stdout == b"2 3000000" * 2, got)
    finally:
        server.terminate()
        server.wait()


def h2_page(gate, host, method="GET", path="/", body=None, port=None):
    with gate.connect(host, alpn=["h2"], verify=False, port=port) as tls:
        if tls.selected_alpn_protocol() != "h2":
            raise AssertionError("no HTTP/2 was agreed to")
        return Http2(tls).request(method, host, path, body)


def pages_over_http2(tally, world, gate):
    """A client that takes HTTP/2 alone gets the same pages, with the same fields."""
    config = ("workers = 1; on { expired = ask; }"
              'rule { names = [closed.lab.test]; action = block; reason = "not at work"; }')
    gate = world.gate(config=config)

    def guarded(fields):
        return fields.get("content-security-policy", "").find("frame-ancestors 'none'") >= 0 \
            and fields.get("cache-control") == "no-store" \
            and fields.get("content-type", "").startswith("text/html") \
            and not any(name in fields for name in ("connection", "transfer-encoding"))

    status, fields, body = h2_page(gate, "self-signed.lab.test")
    tally.expect("HTTP/2: why it is refused", status == 403 and b"self-signed" in body
                 and guarded(fields), (status, fields, body[:200]))
    status, fields, body = h2_page(gate, "expired.lab.test")
    form = re.search(rb'action="(/.midwatch/continue/[0-9a-f]{64})"', body)
    tally.expect("HTTP/2: whoever is asked gets a form", status == 403 and form is not None
                 and guarded(fields), (status, fields, body[:300]))
    good = form.group(1).decode() if form else "/"
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    status, fields, body = h2_page(gate, "expired.lab.test", "POST", wrong, b"")
    tally.expect("HTTP/2: a token that was made up is none", status == 403 and guarded(fields)
                 and b"may continue" not in body, (status, body[:200]))
    status, fields, body = h2_page(gate, "expired.lab.test", "GET", good)
    tally.expect("HTTP/2: looking at it is no consent", status == 403, status)
    status, fields, body = h2_page(gate, "expired.lab.test", "POST", good, b"")
    tally.expect("HTTP/2: the form is taken", status == 200 and b"may continue" in body
                 and guarded(fields), (status, fields, body[:300]))
    status, body, _ = gate.get("expired.lab.test", verify=False)
    tally.expect("and counts for HTTP/1.1, too", status == 200, (status, body[:200]))
    with gate.tunnel("127.0.0.1") as raw:
        context = gate.context(alpn=["h2"])
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(raw, server_hostname="closed.lab.test") as tls:
            status, fields, body = Http2(tls).request("GET", "closed.lab.test", "/")
    tally.expect("HTTP/2: what is blocked, and why", status == 403 and b"not at work" in body
                 and guarded(fields), (status, fields, body[:200]))


def main():
    program, only = sys.argv[1], set(sys.argv[2:])
    tally = Tally("gate clients")
    with gate_world.World(program) as world:
        gate = world.gate(listen=["http://127.0.0.1:0", "socks5://127.0.0.1:0"], config=CONFIG)
        for part in (inspected, left_alone, borrowed, plain_destinations, not_tls, refused,
                     evidence_in_handshakes,
                     upgraded, certificate_wanted, certificate_wanted_elsewhere, other_clients,
                     http2, pages_over_http2):
            if only and part.__name__ not in only:
                continue
            try:
                part(tally, world, gate)
            except Exception as wrong:      # the other parts have their say
                tally.expect(part.__name__, False, repr(wrong))
        if tally.failed:
            print(gate.said())
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
