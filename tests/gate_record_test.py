"""The gate's audit log in a running gate: what passed is recorded, once each, whatever is killed.

usage: gate_record_test.py PROGRAM
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import gate_world

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

tally = gate_world.Tally("gate_record")
expect = tally.expect


def own(line):
    return line["midwatch"] if "midwatch" in line else line["unmapped"]["midwatch"]


def sessions(gate):
    return [line for line in gate.records() if own(line)["kind"] == "session"]


def verified(gate):
    done = subprocess.run([gate.program, "gate", "log", "verify", "--state", str(gate.folder)],
                          capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def expect_whole(gate, when):
    status, said = verified(gate)
    expect("the log is whole " + when, status == 0, said)


def schema(name):
    with open(f"docs/schema/midwatch.gate-{name}-1.schema.json", encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


def expect_schema(gate, name):
    check = schema(name)
    for line in gate.records():
        for error in check.iter_errors(line):
            expect(f"a line is as its schema says ({name})", False,
                   f"{list(error.absolute_path)}: {error.message}")


def wait_for(gate, n):
    gate_world.wait_until(f"{n} sessions in the log", lambda: len(sessions(gate)) >= n)


def one_session(gate):
    status, _, issuer = gate.get("good.lab.test")
    expect("a page came", status == 200, status)
    wait_for(gate, 1)
    line = sessions(gate)[0]
    leaf = own(line)["certificate"]
    expect("its host", line["destination"]["domain"] == "good.lab.test", line["destination"])
    expect("its client", line["source"]["ip"] == "127.0.0.1", line["source"])
    expect("its action", line["event"]["action"] == "inspect", line["event"])
    expect("its verdict", own(line)["verdict"] == "private", own(line))
    expect("its JA4", own(line)["ja4"].startswith("t13d"), own(line))
    expect("both legs", own(line)["client_leg"]["version"] == "1.3"
           and own(line)["server_leg"]["version"] == "1.3", own(line))
    expect("both leaves", leaf["forged"] and leaf["origin_sha256"] != leaf["forged_sha256"], leaf)
    expect("one request", own(line)["requests"] == 1, own(line))
    expect("bytes", line["destination"]["bytes"] > 0 and line["source"]["bytes"] > 0)
    expect("the page's issuer is the gate's", "Midwatch" in (issuer or ""), issuer)
    shown = gate.command("log", "show", "--state", str(gate.folder), "--host", ".lab.test")
    expect("log show shows it", "good.lab.test" in shown and "inspect completed" in shown, shown)
    gate_world.wait_until("a checkpoint", lambda: any(
        own(line).get("log", {}).get("note") == "checkpoint" for line in gate.records()))
    expect_whole(gate, "after one session")
    expect_schema(gate, "ecs")


def load(gate, stop, done, failed):
    while not stop.is_set():
        try:
            gate.get("good.lab.test")
            done.append(1)
        except OSError:
            failed.append(1)


def kill_the_scribe(gate):
    """Under load, again and again: no session that ended is missing, none is there twice."""
    before = len(sessions(gate))
    stop, done, failed = threading.Event(), [], []
    threads = [threading.Thread(target=load, args=(gate, stop, done, failed)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for life in range(4):
        old = gate.children()["scribe"]
        gate_world.wait_until("traffic", lambda n=life: len(done) >= 10 * (n + 1))
        os.kill(old, signal.SIGKILL)
        gate_world.wait_until("another scribe",
                              lambda pid=old: gate.children().get("scribe", pid) != pid)
    stop.set()
    for thread in threads:
        thread.join()
    expect("people noticed nothing", not failed, len(failed))
    wait_for(gate, before + len(done))
    gate_world.wait_until("all is in the log",
                          lambda: len(sessions(gate)) >= before + len(done))
    records = [own(line)["record"] for line in gate.records() if "record" in own(line)]
    expect("each session once", len(records) == len(set(records)), len(records))
    expect("no session too many", len(sessions(gate)) == before + len(done),
           (len(sessions(gate)), before + len(done)))
    expect_whole(gate, "after four kills of the scribe")


def kill_a_worker(gate):
    old = gate.children()["worker 0"]
    os.kill(old, signal.SIGKILL)
    gate_world.wait_until("another worker", lambda: gate.children().get("worker 0", old) != old)
    for _ in range(8):
        gate_world.wait_until("the service goes on", lambda: answered(gate))
    expect_whole(gate, "after a kill of a worker")


def answered(gate):
    try:
        return gate.get("good.lab.test")[0] == 200
    except OSError:
        return False


def unlock(gate):
    """Secrets of one client, only while it is unlocked, and only after the log says so."""
    folder = gate.folder / "unlock"
    gate.get("good.lab.test")
    expect("no secret without an unlock", not list(folder.glob("*")), list(folder.glob("*")))
    said = gate.command("log", "unlock", "--for", "10min", "--reason", "ticket 4711", "--host",
                        "good.lab.test", "--state", str(gate.folder))
    expect("unlock says until when", "unlocked until" in said, said)
    events = [line["event"] for line in gate.records() if line["event"].get("action") == "unlock"]
    expect("the log says so first", events and "ticket 4711" in events[-1]["reason"], events)

    def both_legs():
        gate.get("good.lab.test")
        return keys_of(folder) >= {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}

    gate_world.wait_until("secrets", both_legs)
    path = next(folder.glob("*"))
    expect("only the owner reads them", path.stat().st_mode & 0o777 == 0o600,
           oct(path.stat().st_mode))
    expect("none is in the log", "TRAFFIC_SECRET" not in json.dumps(gate.records()))
    said = gate.command("log", "unlock", "--end", "--state", str(gate.folder))
    expect("unlock --end ends it", "ended" in said, said)
    # Each worker has heard of it once it has answered what was asked afterwards.
    gate.command("top", "--once", "--state", str(gate.folder), check=False)
    before = path.stat().st_size
    for _ in range(4):
        gate.get("good.lab.test")
    expect("no secret after the end", path.stat().st_size == before)
    expect_whole(gate, "after an unlock")


def keys_of(folder):
    return {line.split()[0] for path in folder.glob("*") for line in path.read_text().splitlines()}


def end(gate):
    expect("the gate ends", gate.stop() == 0)
    status, said = verified(gate)
    expect("closed and whole", status == 0 and "not signed" not in said, said)
    notes = [own(line)["log"]["note"] for line in gate.records() if "log" in own(line)]
    expect("its last line says so", notes[-1] == "closed", notes[-3:])


def tampered(gate):
    path = sorted((gate.folder / "audit").glob("*.jsonl"))[0]
    text = path.read_text()
    path.write_text(text.replace("good.lab.test", "evil.lab.test", 1))
    status, said = verified(gate)
    expect("a changed line is found", status == 1 and "the line was changed" in said, said)
    path.write_text(text)
    expect_whole(gate, "once it is put back")


def collector():
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.settimeout(gate_world.SECONDS)
    return sink


def syslog_and_ocsf(world):
    """OCSF lines, of which a collector gets a copy."""
    with collector() as sink:
        port = sink.getsockname()[1]
        gate = world.gate(config="workers = 1; audit { format = ocsf; "
                                 f'syslog = "udp://127.0.0.1:{port}"; }}')
        gate.get("good.lab.test")
        wait_for(gate, 1)
        copies = []
        while not any("4001" in copy for copy in copies):
            copies.append(sink.recv(65536).decode())
        expect("RFC 5424", copies[0].startswith("<110>1 "), copies[0][:60])
        lines = [json.loads(copy[copy.index("{"):]) for copy in copies]
        expect("the collector has the log's own lines",
               all(line in gate.records() for line in lines))
        line = sessions(gate)[0]
        expect("Network Activity", line["class_uid"] == 4001 and line["type_uid"] == 400102, line)
        expect("the JA4 list", line["ja4_fingerprint_list"][0]["type_id"] == 1, line)
        expect_schema(gate, "ocsf")
        gate.stop()
        expect_whole(gate, "in OCSF")


def main():
    started = time.monotonic()
    with gate_world.World(sys.argv[1]) as world:
        gate = world.gate(config="workers = 2;")
        one_session(gate)
        kill_the_scribe(gate)
        kill_a_worker(gate)
        unlock(gate)
        end(gate)
        tampered(gate)
        syslog_and_ocsf(world)
    print(f"{time.monotonic() - started:.0f} s")
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
