"""The gate as a router's transparent gateway: curl in one network namespace, the gate in another,
a TLS server in a third; TPROXY and REDIRECT, IPv4 and IPv6, inspected and left alone.

usage: gate_transparent_test.py MIDWATCH
Skipped where namespaces or nftables cannot be had.
"""
import shutil
import subprocess
import sys

import gate_route_test as route
import gate_world
from gate_world import Tally, wait_until

SKIPPED = 77
CONFIG = """
workers = 1;
upstream { private-destinations = no; }
rule "left alone" { names = [left-alone.world.test]; action = bypass; }
rule "forbidden" { names = [forbidden.world.test]; action = block; }
rule "closed" { port = 80; destination = ["198.51.100.0/24", "2001:db8:2::/64"]; action = block; }
"""
SERVE = """
import http.server, socket, ssl, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"from the server"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class V6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
for kind, address in ((http.server.ThreadingHTTPServer, "0.0.0.0"), (V6, "::")):
    server = kind((address, 443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
for kind, address in ((http.server.ThreadingHTTPServer, "0.0.0.0"), (V6, "::")):
    for port in (80, 8080):
        threading.Thread(target=kind((address, port), Handler).serve_forever).start()
print("ready", flush=True)
"""
# Not a byte of HTTP, but what that server answers with an error all the same.
RAW = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as s:
    s.sendall(b"\\0\\0\\r\\n\\r\\n")
    print("answered" if s.recv(100) else "closed")
"""


def curl(gate, host, server, ca):
    """The body, and the issuer as curl saw it."""
    done = route.within(route.CLIENT, "curl", "-sSv", "--max-time", "20", "--noproxy", "*",
                        "--cacert", str(ca), "--resolve",
                        f"{host}:443:{'[' + server + ']' if ':' in server else server}",
                        f"https://{host}/", check=False).stdout
    issuer = [line for line in done.splitlines() if "issuer:" in line]
    return "from the server" in done, issuer[0] if issuer else done[-300:]


def plain(tally, entrance, server):
    """Without TLS: rules about addresses and ports hold, whatever Host says."""
    at = f"[{server}]" if ":" in server else server
    for port, passes in ((80, False), (8080, True)):
        for host in ("web.world.test", "web.world.test:8080", "x.test:81"):
            said = route.within(route.CLIENT, "curl", "-sS", "--max-time", "20", "--noproxy", "*",
                                "-H", f"Host: {host}", f"http://{at}:{port}/", check=False).stdout
            tally.expect(f"{entrance} {at}:{port}, {host}", ("from the server" in said) == passes,
                         said[:200])
        said = route.within(route.CLIENT, sys.executable, "-c", RAW, server, str(port),
                            check=False).stdout
        tally.expect(f"{entrance} {at}:{port}, raw bytes", ("answered" in said) == passes, said)


def main():
    program, = sys.argv[1:]
    if not route.possible() or shutil.which("curl") is None:
        print("gate transparent: skipped, no network namespaces, nftables or curl here")
        return SKIPPED
    tally = Tally("gate transparent")
    try:
        route.build()
        with gate_world.World(program) as world:
            cert, key = world.authority.leaf("*.world.test")
            # Names resolve to the server's addresses in the gate's namespace.
            world.hosts.write_text(f"{route.V4[3]} left-alone.world.test web.world.test\n"
                                   f"{route.V6[3]} left-alone.world.test web.world.test\n")
            with route.Program(route.SERVER, sys.executable, "-c", SERVE, str(cert), str(key)):
                for entrance in ("tproxy", "redirect"):
                    through(tally, world, entrance)
    finally:
        route.clean()
    return tally.end()


def through(tally, world, entrance):
    port = 3129 if entrance == "tproxy" else 3130
    urls = [f"{entrance}://0.0.0.0:{port}", f"{entrance}://[::]:{port}"]
    within = ("ip", "netns", "exec", route.GATE)
    gate = world.gate(listen=urls, config=CONFIG, within=within)
    rules = [world.program, "gate", "route", "--apply", "--interface", "lan0",
             "--ports", "80,443,8080"]
    for url in urls:
        rules += ["--listen", url]
    route.within(route.GATE, *rules)
    try:
        for server in (route.V4[3], route.V6[3]):
            came, issuer = curl(gate, "web.world.test", server, gate.ca)
            tally.expect(f"{entrance} {server}: inspected", came and "Midwatch gate" in issuer,
                         issuer)
            came, issuer = curl(gate, "left-alone.world.test", server, world.authority.cert)
            tally.expect(f"{entrance} {server}: left alone", came
                         and "Test world root" in issuer, issuer)
            came, said = curl(gate, "forbidden.world.test", server, gate.ca)
            tally.expect(f"{entrance} {server}: blocked", not came, said)
            plain(tally, entrance, server)
        wait_until("the log has them", lambda: sum(
            r["event"]["action"] == "inspect" for r in gate.records()) >= 2)
        seen = {r["destination"]["ip"] for r in gate.records()
                if r["event"]["action"] == "inspect"}
        tally.expect(f"{entrance}: the log has the original destinations",
                     {route.V4[3], route.V6[3]} <= seen, seen)
    finally:
        subprocess.run(["ip", "netns", "exec", route.GATE, world.program, "gate", "route",
                        "--remove"], check=False, stdout=subprocess.DEVNULL)
        gate.stop()


if __name__ == "__main__":
    sys.exit(main())
