"""The gate's parent process: what it starts, starts again, reads anew and hands over.

usage: gate_parent_test.py PROGRAM
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from gate_world import Tally, wait_until

SECONDS = 60


class Gate:
    """A gate in a folder of its own, without a lab."""

    def __init__(self, program, folder, *options, env=None, config=None):
        self.program, self.folder = program, pathlib.Path(folder)
        self.state, self.ready = self.folder / "state", self.folder / "ready"
        self.said_to, self.conf = self.folder / "said", self.folder / "gate.conf"
        command = [program, "gate", "--state", str(self.state), "--ready-file", str(self.ready)]
        if config is not None:
            self.conf.write_text(config)
            command += ["--config", str(self.conf)]
        self.ready.unlink(missing_ok=True)
        with open(self.said_to, "ab") as said:
            self.process = subprocess.Popen(command + list(options), stdin=subprocess.DEVNULL,
                                            stdout=said, stderr=said, env=env)

    def wait(self):
        wait_until("the gate is ready", lambda: self.ready.exists() or self.over())
        if not self.ready.exists():
            raise AssertionError("the gate did not start: " + self.said())
        self.urls = self.ready.read_text().split()
        self.port = int(self.urls[0].rsplit(":", 1)[1])
        return self

    def over(self):
        return self.process.poll() is not None

    def said(self):
        return self.said_to.read_text(errors="replace")

    def pid(self):
        return int((self.state / "gate.lock").read_text())

    def children(self, parent=None):
        """{"worker 0": pid, …}"""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(status[1]) != (parent or self.process.pid) or b"--role" not in words:
                continue
            role = words[words.index(b"--role") + 1].decode()
            if role == "worker":
                role += " " + words[words.index(b"--index") + 1].decode()
            found[role] = int(entry.name)
        return found

    def page(self, host="midwatch.gate"):
        """The status of the gate's own page, asked through it; 0: no answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 20) as s:
                s.sendall(f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n"
                          "Connection: close\r\n\r\n".encode())
                head = s.recv(100)
                while s.recv(65536):
                    pass
            return int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else 0
        except OSError:
            return 0

    def tunnel(self, port):
        """A socket through CONNECT to 127.0.0.1:port."""
        s = socket.create_connection(("127.0.0.1", self.port), 20)
        where = f"127.0.0.1:{port}"
        s.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = s.recv(1)
            if not piece:
                raise ConnectionError(head)
            head += piece
        if head.split()[1] != b"200":
            raise ConnectionError(head)
        return s

    def stop(self):
        """Ends it, and whoever took over from it."""
        pids = {self.process.pid}
        if (self.state / "gate.lock").exists():
            pids.add(self.pid())
        for pid in pids:
            try:
                if b"gate" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        wait_until("the gate ends", self.over)
        wait_until("its successor ends", lambda: not any(alive(p) for p in pids))
        return self.process.returncode


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Echo(threading.Thread):
    """A server that is no TLS: says back what it hears."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    @staticmethod
    def talk(peer):
        with peer:
            while True:
                piece = peer.recv(4096)
                if not piece:
                    return
                peer.sendall(piece)


def echoes(s, text):
    s.sendall(text)
    got = b""
    while len(got) < len(text):
        piece = s.recv(4096)
        if not piece:
            return False
        got += piece
    return got == text


def start(program, folder, *options, **more):
    if "--listen" not in options:
        options += ("--listen", "http://127.0.0.1:0")
    return Gate(program, folder, "--workers", "2", *options, **more).wait()


# ------------------------------------------------------------------------------- the tests


def test_starts(t, program, folder, _):
    gate = start(program, folder)
    t.expect("one URL with the port it got", len(gate.urls) == 1 and gate.port > 0, gate.urls)
    t.expect("it serves its own page", gate.page() == 200, gate.page())
    t.expect("all processes are there",
             set(gate.children()) == {"forge", "scribe", "worker 0", "worker 1"}, gate.children())
    said = gate.said()
    t.expect("it says where it listens", f"listening on {gate.urls[0]}" in said, said)
    t.expect("it says how to get the CA", "gate ca export" in said, said)
    other = subprocess.run([program, "gate", "--state", str(gate.state), "--listen",
                            "http://127.0.0.1:0"], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, timeout=SECONDS, check=False)
    t.expect("a second gate on the same state is refused", other.returncode == 2
             and b"already uses the state folder" in other.stderr, other.stderr)
    other = subprocess.run([program, "gate", "--state", str(folder) + "/other", "--listen",
                            gate.urls[0]], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           timeout=SECONDS, check=False)
    t.expect("a second gate on the same address is refused", other.returncode == 2
             and b"another program does" in other.stderr, other.stderr)
    t.expect("it ends well", gate.stop() == 0, gate.process.returncode)


def test_restarts(t, program, folder, _):
    gate = start(program, folder)
    for role, pid in gate.children().items():
        os.kill(pid, signal.SIGKILL)
        wait_until(f"the {role} is back",
                   lambda role=role, pid=pid: gate.children().get(role, pid) != pid)
        t.expect(f"it is said that the {role} was killed",
                 f"the {role} was killed by signal 9" in gate.said(), gate.said())
    wait_until("it serves again", lambda: gate.page() == 200)
    for pid in gate.children().values():
        os.kill(pid, signal.SIGKILL)
    wait_until("all are back", lambda: len(gate.children()) == 4)
    wait_until("it serves again", lambda: gate.page() == 200)
    t.expect("it ends well", gate.stop() == 0, gate.process.returncode)


def test_children_do_not_outlive_it(t, program, folder, _):
    gate = start(program, folder)
    pids = list(gate.children().values())
    gate.process.kill()
    gate.process.wait()
    wait_until("nobody is left", lambda: not any(alive(pid) for pid in pids))
    t.expect("there were some", len(pids) == 4, pids)


def test_reload(t, program, folder, _):
    gate = start(program, folder, config="name = first.gate;\n")
    t.expect("the configured name answers", gate.page("first.gate") == 200)
    gate.conf.write_text("name = second.gate;\n")
    os.kill(gate.process.pid, signal.SIGHUP)
    wait_until("the new name answers", lambda: gate.page("second.gate") == 200)
    gate.conf.write_text("name = third.gate;\nlisen = x;\n")
    os.kill(gate.process.pid, signal.SIGHUP)
    wait_until("it is refused", lambda: "the old configuration stays" in gate.said())
    t.expect("it says where", "gate.conf:2" in gate.said(), gate.said())
    t.expect("the old one stays", gate.page("second.gate") == 200)
    t.expect("nobody was started again", "started again" not in gate.said(), gate.said())
    pid = gate.children()["worker 0"]
    gate.conf.write_text("name = fourth.gate;\n")
    os.kill(gate.process.pid, signal.SIGHUP)
    wait_until("the next name answers", lambda: gate.page("fourth.gate") == 200)
    os.kill(pid, signal.SIGKILL)
    wait_until("a worker is back", lambda: gate.children().get("worker 0", pid) != pid)
    for _ in range(8):      # whichever worker takes it
        t.expect("who comes back has the newest configuration", gate.page("fourth.gate") == 200)
    gate.stop()


def test_reload_cannot_move(t, program, folder, _):
    gate = start(program, folder, "--listen", "http://127.0.0.1:0", config="")
    gate.conf.write_text("user = root;\n" if os.geteuid() == 0 else "audit { folder = other; }\n")
    os.kill(gate.process.pid, signal.SIGHUP)
    wait_until("it is refused", lambda: "midwatch gate upgrade does" in gate.said())
    t.expect("the gate goes on", gate.page() == 200)
    gate.stop()


def test_drain(t, program, folder, echo):
    gate = start(program, folder)
    s = gate.tunnel(echo.port)
    t.expect("a tunnel works", echoes(s, b"one"))
    os.kill(gate.process.pid, signal.SIGTERM)
    wait_until("nobody listens", lambda: gate.page() == 0)
    t.expect("the tunnel goes on", echoes(s, b"two"))
    t.expect("the gate waits for it", not gate.over())
    s.close()
    wait_until("it ends by itself", gate.over)
    t.expect("well", gate.process.returncode == 0, gate.process.returncode)


def test_second_signal(t, program, folder, echo):
    gate = start(program, folder)
    s = gate.tunnel(echo.port)
    os.kill(gate.process.pid, signal.SIGTERM)
    wait_until("nobody listens", lambda: gate.page() == 0)
    t.expect("the gate waits", not gate.over())
    os.kill(gate.process.pid, signal.SIGTERM)
    wait_until("it ends now", gate.over)
    s.close()


class Clients(threading.Thread):
    """Asks for a page again and again, and counts what went wrong."""

    def __init__(self, gate):
        super().__init__(daemon=True)
        self.gate, self.good, self.bad, self.going = gate, 0, 0, True
        self.start()

    def run(self):
        while self.going:
            if self.gate.page() == 200:
                self.good += 1
            else:
                self.bad += 1

    def end(self):
        self.going = False
        self.join(SECONDS)


def test_upgrade(t, program, folder, echo):
    gate = start(program, folder)
    old = gate.children()
    s = gate.tunnel(echo.port)
    clients = Clients(gate)
    wait_until("some were served", lambda: clients.good > 3)
    gate.ready.unlink()
    os.kill(gate.process.pid, signal.SIGUSR2)
    wait_until("another process has taken over", gate.ready.exists)
    new = gate.pid()
    t.expect("it is another one", new != gate.process.pid, new)
    t.expect("on the same address", gate.ready.read_text().split() == gate.urls,
             gate.ready.read_text())
    before = clients.good
    wait_until("clients go on", lambda: clients.good > before + 5)
    t.expect("the old one waits for its tunnel", not gate.over() and echoes(s, b"still here"))
    t.expect("its workers drain", set(gate.children()) <= set(old), gate.children())
    s.close()
    wait_until("the old one ends", gate.over)
    t.expect("well", gate.process.returncode == 0, gate.process.returncode)
    before = clients.good
    wait_until("clients go on", lambda: clients.good > before + 5)
    clients.end()
    t.expect("nobody was refused", clients.bad == 0, clients.bad)
    wait_until("the new one has its own processes", lambda: len(gate.children(new)) == 4)
    gate.ready.unlink()
    os.kill(new, signal.SIGUSR2)
    wait_until("an upgraded gate can be upgraded", gate.ready.exists)
    wait_until("and ends", lambda: not alive(new))
    t.expect("and the third serves", gate.page() == 200 and gate.pid() != new)
    gate.stop()


def test_upgrade_that_fails(t, program, folder, _):
    gate = start(program, folder, config="name = first.gate;\n")
    gate.conf.write_text("nonsense\n")
    os.kill(gate.process.pid, signal.SIGUSR2)
    wait_until("it is said", lambda: "no upgrade" in gate.said())
    wait_until("all processes are there", lambda: len(gate.children()) == 4)
    t.expect("the old one goes on", gate.page("first.gate") == 200 and not gate.over())
    gate.conf.write_text("name = second.gate;\n")
    gate.ready.unlink()
    os.kill(gate.process.pid, signal.SIGUSR2)
    wait_until("the next try works", gate.ready.exists)
    wait_until("the old one ends", gate.over)
    t.expect("with the new configuration", gate.page("second.gate") == 200)
    gate.stop()


def test_socket_activation(t, program, folder, _):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        # The environment that the program sees is made before the process that it names exists.
        shell = ["sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"']
        env = dict(os.environ, LISTEN_FDS="1", LISTEN_FDNAMES="http")
        gate = Gate.__new__(Gate)
        gate.program, gate.folder = program, pathlib.Path(folder)
        gate.state, gate.ready = gate.folder / "state", gate.folder / "ready"
        gate.said_to = gate.folder / "said"
        with open(gate.said_to, "wb") as said:
            gate.process = subprocess.Popen(
                [*shell, program, "gate", "--state", str(gate.state), "--ready-file",
                 str(gate.ready), "--workers", "2", "--listen", f"http://127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env,
                preexec_fn=lambda: os.dup2(listener.fileno(), 3, inheritable=True),
                close_fds=False)
        gate.wait()
    t.expect("it took the socket", gate.port == port and gate.page() == 200, gate.said())
    # Had it bound one of its own, this could join it: a foreign socket without SO_REUSEPORT is
    # what it sits on.
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            other.bind(("127.0.0.1", port))
            joined = True
        except OSError:
            joined = False
    t.expect("and no other", not joined)
    gate.stop()


class Heard(threading.Thread):
    """Takes what is told to a service manager, as it comes."""

    def __init__(self, manager):
        super().__init__(daemon=True)
        self.manager, self.words, self.at = manager, [], 0
        self.start()

    def run(self):
        while True:
            try:
                self.words.append(self.manager.recv(4096).decode())
            except OSError:
                return

    def until(self, word):
        """Is it said, after what was waited for before?"""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            while self.at < len(self.words):
                self.at += 1
                if word in self.words[self.at - 1]:
                    return True
            time.sleep(0.02)
        return False


def test_service_manager(t, program, folder, _):
    path = str(pathlib.Path(folder) / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        heard = Heard(manager)
        hears = heard.until

        env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
        gate = start(program, folder, env=env, config="")
        t.expect("ready", hears("READY=1"))
        t.expect("alive", hears("WATCHDOG=1") and hears("WATCHDOG=1"))
        os.kill(gate.process.pid, signal.SIGHUP)
        t.expect("reloading", hears("RELOADING=1"))
        t.expect("ready again", hears("READY=1"))
        gate.ready.unlink()
        os.kill(gate.process.pid, signal.SIGUSR2)
        wait_until("another process has taken over", gate.ready.exists)
        t.expect("the main process is another", hears(f"MAINPID={gate.pid()}"))
        t.expect("which lives", hears("WATCHDOG=1"))
        wait_until("the old one ends", gate.over)
        os.kill(gate.pid(), signal.SIGTERM)
        t.expect("stopping", hears("STOPPING=1"))
        for pid in gate.children(gate.pid()).values():
            words = pathlib.Path(f"/proc/{pid}/environ")
            if os.access(words, os.R_OK) and words.exists():
                t.expect("its processes know nothing of it", b"NOTIFY" not in words.read_bytes())
        gate.stop()


def test_journal(t, program, folder, _):
    said = pathlib.Path(folder) / "said"
    said.touch()
    about = said.stat()
    env = dict(os.environ, JOURNAL_STREAM=f"{about.st_dev}:{about.st_ino}")
    gate = start(program, folder, env=env)
    os.kill(gate.children()["forge"], signal.SIGKILL)
    wait_until("it is said", lambda: "killed" in gate.said())
    lines = gate.said().splitlines()
    t.expect("each line has its priority", all(line.startswith("<") for line in lines), lines)
    t.expect("an error is one", any(line.startswith("<3>gate: the forge was") for line in lines),
             lines)
    gate.stop()


def test_false_starts(t, program, folder, _):
    for options, why in ((("--listen", "http://192.0.2.77:3128"), "cannot listen"),
                         (("--config", "/nonexistent/gate.conf"), "/nonexistent/gate.conf"),
                         (("--set", "nonsense"), "command line:"),
                         (("--log-level", "loud"), "--log-level"),
                         (("--lisen", "x"), "--listen"), (("nonsense",), "no command")):
        gate = Gate(program, folder, *options)
        wait_until("it ends", gate.over)
        t.expect(f"{options}: usage status", gate.process.returncode == 2, gate.process.returncode)
        t.expect(f"{options}: says why", why in gate.said(), gate.said())
        gate.said_to.unlink()
    if os.geteuid() == 0:
        home = pathlib.Path(folder) / "mine" / "state"
        home.mkdir(parents=True)
        (home / "letter").write_text("mine")
        gate = Gate(program, home.parent, "--listen", "http://127.0.0.1:0", "--set",
                    "user = nobody;")
        wait_until("it ends", gate.over)
        t.expect("somebody's folder is not given away", "no gate's state folder" in gate.said()
                 and home.stat().st_uid == 0, gate.said())


def test_commands(t, program, folder, echo):
    gate = start(program, folder, config="name = first.gate;\n")

    def ask(*words, status=0):
        done = subprocess.run([program, "gate", *words, "--state", str(gate.state)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=SECONDS, check=False)
        t.expect(f"{words}: status {status}", done.returncode == status,
                 (done.returncode, done.stderr))
        return (done.stdout + done.stderr).decode()

    s = gate.tunnel(echo.port)
    t.expect("a tunnel works", echoes(s, b"x" * 5000))
    status = json.loads(ask("status", "--json"))
    t.expect("status counts", status["totals"]["accepted"] >= 1 and status["totals"]["open"] == 1,
             status["totals"])
    t.expect("status knows the processes",
             [p["name"] for p in status["gate"]["processes"]]
             == ["forge", "scribe", "worker 0", "worker 1"], status["gate"])
    t.expect("status says where it listens", gate.urls[0] in ask("status"))
    top = json.loads(ask("top", "--json"))
    t.expect("top shows the tunnel", [x["host"] for x in top["sessions"]] == ["127.0.0.1"]
             and top["sessions"][0]["bytes_down"] >= 5000, top)
    t.expect("top is a table", "127.0.0.1" in ask("top", "--once"))
    s.close()
    wait_until("it is remembered", lambda: json.loads(
        ask("why", "127.0.0.1", "--json"))["attempts"])
    why = ask("why", "127.0.0.1")
    t.expect("why tells of it", "result" in why and "not-tls: inspect" in why, why)
    t.expect("why from elsewhere", "No attempt" in ask("why", "127.0.0.1", "--client", "192.0.2.1"))
    t.expect("why foretells", "would be: inspect" in ask("why", "https://example.com/path"))
    t.expect("why foretells an exception", "would be: bypass" in ask("why", "www.screenmeet.com"))
    t.expect("nothing was learned", "No exception was learned" in ask("learned"))
    ask("learned", "accept", status=2)
    t.expect("an ID that nobody knows", "nosuch" in ask("learned", "remove", "nosuch", status=2))
    gate.conf.write_text("name = \"second.gate\n")
    t.expect("a reload that fails says where", "gate.conf:1" in ask("reload", status=2))
    gate.conf.write_text("name = second.gate;\n")
    t.expect("a reload", "read anew" in ask("reload"))
    wait_until("the new name answers", lambda: gate.page("second.gate") == 200)
    gate.ready.unlink()
    t.expect("an upgrade", "being started" in ask("upgrade"))
    wait_until("another process has taken over", gate.ready.exists)
    wait_until("the old one ends", gate.over)
    status = json.loads(ask("status", "--json"))
    t.expect("the new one answers", status["gate"]["pid"] == gate.pid() != gate.process.pid)
    t.expect("and has counted on", status["totals"]["accepted"] >= 2, status["totals"])
    top = json.loads(ask("top", "--json"))
    t.expect("nobody waits for the old workers", top["missing"] == 0, top)
    t.expect("a drain", "accepts no more" in ask("drain"))
    wait_until("it ends", lambda: not alive(status["gate"]["pid"]))
    t.expect("and nobody answers", "no gate runs" in ask("status", status=2))


def test_out_of_reach(t, program, folder, _):
    if os.geteuid() != 0:
        return
    pathlib.Path(folder).chmod(0o700)
    gate = start(program, folder)
    t.expect("it says so", "out of reach" in gate.said(), gate.said())
    t.expect("it works", gate.page() == 200)
    for role, pid in gate.children().items():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        caps = [line.split()[1] for line in status.splitlines() if line.startswith("CapEff")]
        t.expect(f"the {role} has no capability", set(caps[0]) == {"0"}, caps)
        uid = int([line.split()[1] for line in status.splitlines() if line.startswith("Uid")][0])
        t.expect(f"the {role}'s user", (uid == 0) == (role == "scribe"), uid)
    done = subprocess.run([program, "gate", "status", "--state", str(gate.state)],
                          stdout=subprocess.PIPE, timeout=SECONDS, check=False)
    t.expect("it answers", done.returncode == 0, done)
    gate.stop()


TESTS = (test_starts, test_restarts, test_children_do_not_outlive_it, test_reload,
         test_reload_cannot_move, test_drain, test_second_signal, test_upgrade,
         test_upgrade_that_fails, test_socket_activation, test_service_manager, test_journal,
         test_commands, test_out_of_reach, test_false_starts)


def main():
    program, only = sys.argv[1], sys.argv[2:]
    tally, echo = Tally("gate_parent"), Echo()
    with tempfile.TemporaryDirectory(prefix="midwatch-parent-") as made:
        os.chmod(made, 0o755)
        # One CA for all: making one takes longer than all the rest.
        first = pathlib.Path(made) / "ca"
        subprocess.run([program, "gate", "ca", "init", "--state", str(first)], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=300)
        for test in TESTS:
            if only and test.__name__ not in only:
                continue
            folder = pathlib.Path(made) / test.__name__
            folder.mkdir(mode=0o755)
            if test is not test_false_starts:
                subprocess.run(["cp", "-a", str(first), str(folder / "state")], check=True)
            test(tally, program, folder, echo)
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
