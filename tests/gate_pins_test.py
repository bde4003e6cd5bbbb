"""The pin learner from end to end: it finds an app that pins, and is fooled neither by a device
without the CA nor by a bad network; unattended clients are refused or left alone as policy says.

usage: gate_pins_test.py MIDWATCH
"""
import json
import random
import socket
import ssl
import struct
import sys

import gate_world
from gate_world import Tally, WebServer, wait_until

CONFIG = "learner { mode = %s; failures = 3; window = 10min; }\n"


class Device:
    """Something with an address of its own on loopback."""

    def __init__(self, gate, address):
        self.gate, self.address = gate, address

    def tunnel(self, web):
        raw = socket.create_connection(("127.0.0.1", self.gate.port()), 20,
                                       source_address=(self.address, 0))
        where = f"{web.host}:{web.port}"
        raw.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
        while not raw.recv(4096).endswith(b"\r\n\r\n"):
            pass
        return raw

    def ask(self, web, context):
        """True: an answer came."""
        raw = self.tunnel(web)
        try:
            with context.wrap_socket(raw, server_hostname=web.host) as tls:
                tls.sendall(f"GET /bytes/5 HTTP/1.1\r\nHost: {web.host}\r\n"
                            "Connection: close\r\n\r\n".encode())
                got = b""
                while piece := tls.recv(4096):
                    got += piece
                return got.endswith(b"xxxxx")
        except OSError:
            raw.close()
            return False

    def browser(self, web):
        """Takes the gate's CA."""
        context = self.gate.context(["http/1.1"])
        return self.ask(web, context)

    def app(self, web, roots):
        """Takes nothing but the server's own authority: it pins.  Another JA4, by its ALPN."""
        context = ssl.create_default_context(cafile=str(roots))
        context.set_alpn_protocols(["x-agent/1", "http/1.1"])
        return self.ask(web, context)

    def bad_luck(self, web):
        """The handshake is reset in the middle, for no reason."""
        raw = self.tunnel(web)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = self.gate.context(["http/1.1"])
        tls = context.wrap_bio(incoming, outgoing, server_hostname=web.host)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        raw.sendall(outgoing.read())
        raw.recv(4096)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


def learned(gate):
    return json.loads(gate.command("learned", "list", "--json", "--state", str(gate.folder)))


def excepted(gate):
    """{host: identity}"""
    return {e["host"]: e["id"] for e in learned(gate)["learned"] if e["in_force"]}


def main():
    program, = sys.argv[1:]
    tally = Tally("gate pins")
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    with gate_world.World(program) as world:
        web, pinned = WebServer(world, "web.world.test"), WebServer(world, "other.world.test")
        gate = world.gate(config=CONFIG % "apply")
        laptop, bare = Device(gate, "127.0.0.2"), Device(gate, "127.0.0.3")
        train = Device(gate, "127.0.0.4")

        tally.expect("a browser with the CA works", laptop.browser(web))
        for _ in range(3):
            tally.expect("the pinned app is refused at first",
                         not laptop.app(pinned, world.roots))
        wait_until("the pinned app is found", lambda: laptop.app(pinned, world.roots))
        tally.expect("its exception is listed", "other.world.test" in excepted(gate))
        tally.expect("the same site stays inspected for the browser", laptop.browser(pinned))
        listing = gate.command("learned", "list", "--state", str(gate.folder))
        tally.expect("it is listed in words", "other.world.test" in listing, listing)

        for _ in range(6):      # a device without the CA fails everywhere
            for server in (web, pinned):
                bare.app(server, world.lab_folder / "roots.pem")
        for _ in range(12):     # a bad network fails now and then
            if chance.random() < 0.6:
                train.bad_luck(web)
            else:
                tally.expect("a bad network lets some through", train.browser(web))
        tally.expect("nobody else made an exception", list(excepted(gate)) ==
                     ["other.world.test"], excepted(gate))
        tally.expect("the bare device is still inspected", not bare.app(
            web, world.lab_folder / "roots.pem"))

        gate.command("learned", "remove", excepted(gate)["other.world.test"], "--state",
                     str(gate.folder))
        wait_until("a removed exception is over", lambda: not laptop.app(pinned, world.roots))

        strict = world.gate(config=CONFIG % "off" + "workers = 1;")
        agent = Device(strict, "127.0.0.5")
        for _ in range(5):
            tally.expect("with the learner off an unattended client stays refused",
                         not agent.app(web, world.roots))
        ruled = world.gate(config=CONFIG % "off" + 'workers = 1; rule "agents" { names = '
                           "[web.world.test]; action = bypass; }")
        tally.expect("with an exception it is left alone",
                     Device(ruled, "127.0.0.5").app(web, world.roots))
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
