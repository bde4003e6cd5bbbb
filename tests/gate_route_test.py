"""Transparent listeners from end to end: a client, a gateway and a server, each in a network
namespace of its own, IPv4 and IPv6; the rules are those of `midwatch gate route`.

usage: gate_route_test.py GATE_ROUTE_TOOL
Skipped where namespaces or nftables cannot be had.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TOOL = sys.argv[1]
SKIPPED = 77
NAME = f"mwroute{os.getpid()}"
CLIENT, GATE, SERVER = (f"{NAME}{who}" for who in "cgs")
# The client's side, the server's side.
V4 = ("192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2", 24)
V6 = ("2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::1", "2001:db8:2::2", 64)
TRANSPARENT = ["tproxy://0.0.0.0:3129", "tproxy://[::]:3129"]
REDIRECT = ["redirect://0.0.0.0:3130", "redirect://[::]:3130"]

# Runs inside a namespace.  "gate", "server", or how it failed.
ASK = """
import os, socket, sys
kind, host, port, uid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.setuid(uid)
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
s.settimeout(5)
try:
    s.connect((host, port))
    if kind == "udp":
        s.send(b"?")
    print(s.recv(16).decode() or "closed")
except OSError as e:
    print(type(e).__name__)
"""

SERVE = """
import socket, threading
def tcp(family, port):
    s = socket.create_server(("", port), family=family)
    while True:
        c, _ = s.accept()
        c.sendall(b"server")
        c.close()
def udp(family):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", 443))
    while True:
        _, peer = s.recvfrom(100)
        s.sendto(b"server", peer)
threads = [threading.Thread(target=tcp, args=(f, p)) for f in (socket.AF_INET, socket.AF_INET6)
           for p in (80, 443, 8080)]
threads += [threading.Thread(target=udp, args=(f,)) for f in (socket.AF_INET, socket.AF_INET6)]
for t in threads:
    t.start()
print("ready", flush=True)
"""


def run(*words, check=True):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          text=True)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}: {done.stdout}")
    return done


def within(namespace, *words, check=True):
    return run("ip", "netns", "exec", namespace, *words, check=check)


def tool(*words, check=True):
    return within(GATE, TOOL, *words, check=check)


def ask(host, port=443, kind="tcp", namespace=CLIENT, uid=0):
    return within(namespace, sys.executable, "-c", ASK, kind, host, str(port),
                  str(uid)).stdout.strip()


class Program:
    """Something that runs in a namespace until it is no longer needed."""

    def __init__(self, namespace, *words):
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace, *words],
                                        stdout=subprocess.PIPE, text=True)
        line = self.line()
        assert line == "ready", line

    def line(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def listener(url):
    return Program(GATE, TOOL, "accept", url)


def build():
    for name in (CLIENT, GATE, SERVER):
        run("ip", "netns", "add", name)
        within(name, "ip", "link", "set", "lo", "up")
    for other, near, far in ((CLIENT, "lan0", 0), (SERVER, "wan0", 2)):
        run("ip", "link", "add", "up0", "netns", other, "type", "veth",
            "peer", "name", near, "netns", GATE)
        for net, default in ((V4, "0.0.0.0/0"), (V6, "::/0")):
            gate, peer = (net[0], net[1]) if far == 0 else (net[2], net[3])
            more = ["nodad"] if ":" in gate else []
            within(GATE, "ip", "addr", "add", f"{gate}/{net[4]}", "dev", near, *more)
            within(other, "ip", "addr", "add", f"{peer}/{net[4]}", "dev", "up0", *more)
            within(GATE, "ip", "link", "set", near, "up")
            within(other, "ip", "link", "set", "up0", "up")
            within(other, "ip", "route", "add", default, "via", gate)
    within(GATE, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def clean():
    for name in (CLIENT, GATE, SERVER):
        run("ip", "netns", "del", name, check=False)


def possible():
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("nft") is None:
        return False
    done = run("ip", "netns", "add", f"{NAME}x", check=False)
    if done.returncode != 0:
        return False
    done = within(f"{NAME}x", "nft", "add", "table", "inet", "x", check=False)
    run("ip", "netns", "del", f"{NAME}x", check=False)
    return done.returncode == 0


# ------------------------------------------------------------------------------------------ tests

def rules_load():
    """What is printed is what nft takes, whatever the configuration."""
    for words in (TRANSPARENT, REDIRECT, TRANSPARENT + REDIRECT, ["tproxy://192.0.2.1:3129"],
                  ["tproxy://[2001:db8:1::1]:3129", "+all"], ["redirect://192.0.2.1:1", "+quic"],
                  ["redirect://127.0.0.1:3130", "+local"], ["redirect://[::1]:3130", "+local"],
                  ["redirect://[2001:db8:1::1]:9", "+local", "+all"],
                  ["+local", "+on=lan0", *TRANSPARENT, *REDIRECT]):
        rules = tool("rules", *words).stdout
        done = subprocess.run(["ip", "netns", "exec", GATE, "nft", "-c", "-f", "-"], input=rules,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        assert done.returncode == 0, (words, done.stdout, rules)


def impossible_ones_are_refused():
    for words, why in (([], "no tproxy:// or redirect:// listener"),
                       (["redirect://127.0.0.1:3130"], "give --local"),
                       (["+on=la n", *TRANSPARENT], "no name of an interface"),
                       (["+on=averyverylongname", *TRANSPARENT], "no name of an interface")):
        done = tool("apply", *words, check=False)
        assert done.returncode == 2 and why in done.stdout, (words, done)


def everything_passes_without_rules():
    for net in (V4, V6):
        assert ask(net[3]) == "server"
        assert ask(net[3], kind="udp") == "server"


def taken(urls, *options):
    tool("apply", *options, *urls)
    assert tool("check", *options, *urls).stdout == ""
    for net, url in ((V4, urls[0]), (V6, urls[1])):
        shown = f"[{net[3]}]" if ":" in net[3] else net[3]
        with listener(url) as program:
            for port in (443, 80):
                assert ask(net[3], port) == "gate", url
                assert program.line() == f"{shown}:{port}"
            assert ask(net[3], 8080) == ("gate" if "+all" in options else "server")


def passes_by(net):
    assert ask(net[3]) == "server"


def tproxy():
    taken(TRANSPARENT)
    taken(["tproxy://127.0.0.1:3129", "tproxy://[::1]:3129"])
    taken(TRANSPARENT, "+all")
    taken(TRANSPARENT, "+on=lan0")
    taken(TRANSPARENT + REDIRECT)           # of two ways, the one that changes nothing
    taken(TRANSPARENT + REDIRECT, "+local")
    tool("apply", "+on=wan0", *TRANSPARENT)
    with listener(TRANSPARENT[0]), listener(TRANSPARENT[1]):
        for net in (V4, V6):
            passes_by(net)


def redirect():
    taken(REDIRECT)
    taken(["redirect://192.0.2.1:3130", "redirect://[2001:db8:1::1]:3130"])
    taken(REDIRECT, "+all")
    tool("apply", "+on=wan0", *REDIRECT)
    with listener(REDIRECT[0]), listener(REDIRECT[1]):
        for net in (V4, V6):
            passes_by(net)


def nothing_passes_while_nobody_listens():
    for urls in (TRANSPARENT, REDIRECT):
        tool("apply", *urls)
        for net in (V4, V6):
            assert ask(net[3]) == "ConnectionRefusedError"


def quic_is_refused_or_left():
    for words, answer in ((TRANSPARENT, "ConnectionRefusedError"), (REDIRECT,
                          "ConnectionRefusedError"), (["+quic", *TRANSPARENT], "server")):
        tool("apply", *words)
        for net in (V4, V6):
            assert ask(net[3], kind="udp") == answer, (words, net)


def local_programs():
    """This computer's own, but not the gate's user, which is nobody here."""
    nobody = 65534
    for urls in (TRANSPARENT, REDIRECT, TRANSPARENT + REDIRECT,
                 ["redirect://127.0.0.1:3130", "redirect://[::1]:3130"]):
        if "127.0.0.1" not in urls[0]:
            tool("apply", *urls)
            for net in (V4, V6):
                assert ask(net[3], namespace=GATE) == "server"
        tool("apply", "+local", *urls)
        for net, url in ((V4, urls[0]), (V6, urls[1])):
            shown = f"[{net[3]}]" if ":" in net[3] else net[3]
            with listener(url) as program:
                assert ask(net[3], namespace=GATE) == "gate", url
                assert program.line() == f"{shown}:443"
                assert ask(net[3], namespace=GATE, uid=nobody) == "server", url
            # Refused where it is sent, the sender itself is told.
            assert ask(net[3], kind="udp", namespace=GATE) in ("ConnectionRefusedError",
                                                               "PermissionError")
            assert ask(net[3], kind="udp", namespace=GATE, uid=nobody) == "server"


def a_listener_itself_is_no_destination():
    for urls in (TRANSPARENT, REDIRECT):
        tool("apply", *urls)
        for net, url in ((V4, urls[0]), (V6, urls[1])):
            with listener(url) as program:
                assert ask(net[0], int(url.rpartition(":")[2])) == "gate"
                line = program.line()
                # Without a redirection the kernel has no other destination, or the same.
                assert line in ("loop", "No such file or directory"), line


def check_sees_what_is_wrong():
    def says(what, *words):
        done = tool("check", *words, check=False)
        assert done.returncode == 1 and what in done.stdout, done

    tool("remove")
    says("there is no table", *TRANSPARENT)
    tool("apply", *TRANSPARENT)
    says("another configuration", *REDIRECT)
    says("another configuration", "+all", *TRANSPARENT)
    for family in ("-4", "-6"):
        within(GATE, "ip", family, "rule", "del", "fwmark", "0x4d57")
        says("the routing for TPROXY is missing", *TRANSPARENT)
        tool("apply", *TRANSPARENT)
        within(GATE, "ip", family, "route", "flush", "table", "19799")
        says("the routing for TPROXY is missing", *TRANSPARENT)
        tool("apply", *TRANSPARENT)
    assert tool("check", *TRANSPARENT).returncode == 0
    within(GATE, "nft", "add", "rule", "inet", "midwatch", "tproxy_in", "accept")
    says("changed by hand", *TRANSPARENT)


def applying_again_leaves_one():
    for _ in range(3):
        tool("apply", *TRANSPARENT)
    for family in ("-4", "-6"):
        rules = within(GATE, "ip", family, "rule").stdout
        assert rules.count("fwmark 0x4d57") == 1, rules
    tool("apply", *REDIRECT)
    assert "4d57" not in within(GATE, "ip", "-4", "rule").stdout


def removing_leaves_nothing():
    tool("apply", "+local", *TRANSPARENT, *REDIRECT)
    tool("remove")
    tool("remove")
    assert within(GATE, "nft", "list", "ruleset").stdout == ""
    for family in ("-4", "-6"):
        assert "0x4d57" not in within(GATE, "ip", family, "rule").stdout
        routes = within(GATE, "ip", family, "route", "show", "table", "19799", check=False)
        assert "local default" not in routes.stdout
    everything_passes_without_rules()


def missing_programs_are_named():
    """In a file system without /usr/sbin, where both live."""
    hidden = "mount -t tmpfs none /usr/sbin && for p in /sbin /usr/bin /bin /usr/local/sbin; do " \
             "test ! -e $p/nft || exit 77; done; exec \"$@\""
    for what in ("apply", "check", "remove"):
        done = run("unshare", "-mn", "sh", "-c", hidden, "sh", TOOL, what, *TRANSPARENT,
                   check=False)
        if done.returncode == SKIPPED or "permission denied" in done.stdout:
            print("nft lives elsewhere: not tested without it")
            return
        assert done.returncode == 1, done
        assert 'there is no program "nft": install nftables' in done.stdout, done


def only_root():
    done = run("setpriv", "--reuid=65534", "--clear-groups", TOOL, "apply", *TRANSPARENT,
               check=False)
    assert done.returncode in (1, 126, 127), done
    if done.returncode == 1:
        assert "only root" in done.stdout, done


# ------------------------------------------------------------------------- the command itself

def command(*words):
    return subprocess.run([TOOL, "route", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)


def command_prints(folder):
    config = folder / "gate.conf"
    config.write_text('listen = ["tproxy://0.0.0.0:3129", "http://127.0.0.1:3128"]\nquic = bypass\n')
    done = command("--config", str(config))
    assert done.returncode == 0, done
    assert "tproxy ip to :3129" in done.stdout and "udp" not in done.stdout, done.stdout
    assert done.stdout == command("--print", "-c", str(config)).stdout
    done = command("--listen", "redirect://[::]:77", "--ports", "443, 8443", "-i", "lan0,lan1")
    assert done.returncode == 0, done
    assert 'iifname != { "lan0", "lan1" } return' in done.stdout
    assert "ipv6 tcp dport { 443, 8443 } redirect to :77" in done.stdout
    assert "No listener for IPv4" in done.stdout


def command_says_what_is_wrong(folder):
    broken = folder / "broken.conf"
    broken.write_text("listen = tproxy:3129\n")
    for words, says in ((["--config", str(broken)], "broken.conf:1:"),
                        (["--config", str(folder / "none.conf")], "none.conf"),
                        ([], "no tproxy:// or redirect:// listener"),
                        (["--ports", "443,0"], "--ports"), (["--ports", "x"], "--ports"),
                        (["--ports", ""], "--ports"), (["--print", "--apply"], "only one of"),
                        (["--listen", 'a"b'], "--listen"), (["now"], "one word too many"),
                        (["--applied"], "--apply")):
        done = command(*words)
        assert done.returncode == 2 and done.stdout == "" and says in done.stderr, (words, done)
        assert done.stderr.count("\n") <= 2, done.stderr
    done = command("--help")
    assert done.returncode == 0 and "--interface" in done.stdout


def command_acts():
    listen = ["--listen", ",".join(TRANSPARENT), "--interface", "lan0"]
    for words, status, says in ((["--apply"], 0, "in force\n"), (["--check"], 0, "in force\n"),
                                (["--check", "--ports", "all"], 1, "not in force: the table")):
        done = within(GATE, TOOL, "route", *words, *listen, check=False)
        assert done.returncode == status and done.stdout.startswith(says), done
    assert within(GATE, TOOL, "route", "--remove").stdout == "removed\n"
    done = within(GATE, TOOL, "route", "--check", *listen, check=False)
    assert done.returncode == 1 and "there is no table" in done.stdout, done
    done = within(GATE, TOOL, "route", "--apply", "--listen", REDIRECT[0])
    assert "no listener for IPv6: such connections are not taken" in done.stdout, done


def main():
    with tempfile.TemporaryDirectory() as folder:
        for test in (command_prints, command_says_what_is_wrong):
            test(pathlib.Path(folder))
            print(f"{test.__name__}: ok", flush=True)
    if not possible():
        print("no network namespaces or no nftables here: the rest is skipped")
        return SKIPPED
    try:
        build()
        with Program(SERVER, sys.executable, "-c", SERVE):
            for test in (rules_load, impossible_ones_are_refused, everything_passes_without_rules,
                         tproxy, redirect, nothing_passes_while_nobody_listens,
                         quic_is_refused_or_left, local_programs,
                         a_listener_itself_is_no_destination, check_sees_what_is_wrong,
                         applying_again_leaves_one, command_acts, removing_leaves_nothing,
                         missing_programs_are_named, only_root):
                test()
                print(f"{test.__name__}: ok", flush=True)
    finally:
        clean()
    return 0


if __name__ == "__main__":
    sys.exit(main())
