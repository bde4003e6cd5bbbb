#!/usr/bin/env python3
"""Measures the gate against other proxies, all in one run on this machine.

usage: bench/gate.py MIDWATCH GATE_LOAD [--quick] [--only NAME,...] [--rounds N] [--json FILE]
                                             [--soak REQUESTS]

What is measured is the processor time of the proxy's own processes (schedstat, nanoseconds), so
neither the load, nor the origin, nor other work on the machine counts.  The origin is nginx; the
rivals are haproxy (re-encrypting, with one certificate it was given), sslsplit, squid and
mitmproxy, whichever are installed; every one listens on loopback and is stopped at the end.

"fresh" is the gate with `upstream { reuse = 0 }`: it dials and shakes hands for each session, as
haproxy does unless told otherwise ("haproxy-reuse" is).  squid shares its connections, too.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "bench.example.test"


class Failed(Exception):
    pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*command, **more):
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr.decode()[-400:]}")
    return done.stdout.decode()


def family(pid):
    """A process and all below it."""
    pids, todo = [], [pid]
    while todo:
        one = todo.pop()
        pids.append(one)
        try:
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                todo.extend(int(p) for p in (task / "children").read_text().split())
        except OSError:
            pass
    return pids


def cpu_ns(pid):
    total = 0
    for one in family(pid):
        try:
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            pass
    return total


def memory_kib(pid):
    total = 0
    for one in family(pid):
        try:
            for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            pass
    return total


def wait_port(port, process, what):
    for _ in range(300):
        if process.poll() is not None:
            raise SystemExit(f"{what} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{what} does not listen")


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="midwatch-bench-"))
        self.folder.chmod(0o755)
        self.cold_hosts = 300 if args.quick else 1500
        self.started = []
        self.proxies = []           # name, how gate_load reaches it, pid, roots

    def start(self, name, command, port, **more):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                   start_new_session=True, **more)
        self.started.append(process)
        try:
            wait_port(port, process, name)
        except SystemExit as wrong:
            sys.stderr.write((self.folder / f"{name}.log").read_text()[-2000:])
            raise wrong
        return process

    def stop(self):
        for process in reversed(self.started):
            if process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGTERM)
                except ProcessLookupError:
                    continue
        for process in self.started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ------------------------------------------------------------------ the world ----

    def authority(self, name, subject):
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", str(key), "-out", str(cert), "-days", "100", "-subj", subject,
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        return key, cert

    def leaf(self, name, host, ca):
        key, csr = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        cert, conf = self.folder / f"{name}.pem", self.folder / f"{name}.cnf"
        conf.write_text(f"subjectAltName=DNS:{host}\nextendedKeyUsage=serverAuth\n"
                        "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n"
                        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", str(key), "-out", str(csr), "-subj", f"/CN={host}")
        run("openssl", "x509", "-req", "-in", str(csr), "-CA", str(ca[1]), "-CAkey", str(ca[0]),
            "-CAcreateserial", "-days", "60", "-extfile", str(conf), "-out", str(cert))
        return key, cert

    def origin(self):
        self.ca = self.authority("ca", "/CN=Bench root/O=Bench")
        key, cert = self.leaf("origin", "bench.example.test", self.ca)
        n = 3 * self.cold_hosts
        (self.folder / "hosts").write_text(f"127.0.0.1 {HOST} plain.example.test\n" + "".join(
            f"127.0.0.1 h{i}.example.test\n" for i in range(1, n)))
        certs = self.folder / "certs"
        certs.mkdir()
        run(str(pathlib.Path(self.args.gate_load).with_name("gate_certs")), str(self.ca[1]),
            str(self.ca[0]), str(certs), str(n))
        plain_key, plain = self.leaf("plain", "plain.example.test", self.ca)
        (certs / "plain.example.test.pem").write_text(plain.read_text() + plain_key.read_text())
        root = self.folder / "www"
        root.mkdir()
        (root / "small").write_bytes(b"x" * 128)
        with open(root / "bulk", "wb") as bulk:
            bulk.truncate(256 << 20)
        self.port = free_port()
        conf = self.folder / "nginx.conf"
        conf.write_text(f"""
daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log stderr;
worker_rlimit_nofile 19000;
events {{ worker_connections 18000; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600s; client_body_temp_path {self.folder}/t1;
  proxy_temp_path {self.folder}/t2; fastcgi_temp_path {self.folder}/t3;
  uwsgi_temp_path {self.folder}/t4; scgi_temp_path {self.folder}/t5;
  ssl_protocols TLSv1.3; ssl_session_tickets on; ssl_session_cache off;
  server {{ listen 127.0.0.1:{self.port} ssl http2 backlog=4096; server_name bench.example.test;
           ssl_certificate {cert}; ssl_certificate_key {key}; root {root}; }}
  server {{ listen 127.0.0.1:{self.port} ssl; server_name *.example.test;
           ssl_certificate {certs}/$ssl_server_name.pem;
           ssl_certificate_key {certs}/$ssl_server_name.pem; root {root}; }}
}}""")
        self.start("nginx", ["nginx", "-c", str(conf), "-p", str(self.folder)], self.port)

    # ------------------------------------------------------------------ the proxies ----

    def gate(self):
        self.one_gate("midwatch", "")
        self.one_gate("fresh", "upstream { reuse = 0 }\n")

    def one_gate(self, name, settings):
        port, state = free_port(), self.folder / name
        hosts = self.folder / "hosts"
        config = self.folder / f"{name}.conf"
        config.write_text(settings + 'rule "left alone" { names = [plain.example.test]; action = bypass; }\n'
                          "limits { connections = 9000; per-client = 9000; }\n")
        ready = self.folder / f"{name}-ready"
        process = self.start(name, [
            self.args.midwatch, "gate", "--config", str(config), "--listen",
            f"http://127.0.0.1:{port}", "--state", str(state), "--roots", str(self.ca[1]),
            "--hosts-file", str(hosts), "--workers", "1", "--ready-file", str(ready)], port)
        roots = self.folder / f"{name}-ca.pem"
        roots.write_text(run(self.args.midwatch, "gate", "ca", "export", "--state", str(state)))
        self.proxies.append((name, f"connect 127.0.0.1:{port}", process.pid, str(roots)))
        return self.proxies[-1]

    def haproxy(self):
        port, tcp, sharing = free_port(), free_port(), free_port()
        key, cert = self.leaf("haproxy", HOST, self.ca)
        pem = self.folder / "haproxy-both.pem"
        pem.write_text(cert.read_text() + key.read_text())
        conf = self.folder / "haproxy.cfg"
        conf.write_text(f"""
global
  nbthread 1
  maxconn 9000
  tune.ssl.default-dh-param 2048
defaults
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  maxconn 9000
frontend f
  mode http
  bind 127.0.0.1:{port} ssl crt {pem} alpn http/1.1
  default_backend b
backend b
  mode http
  server s 127.0.0.1:{self.port} ssl verify required ca-file {self.ca[1]} sni str({HOST}) verifyhost {HOST}
frontend fr
  mode http
  bind 127.0.0.1:{sharing} ssl crt {pem} alpn http/1.1
  default_backend br
backend br
  mode http
  http-reuse always
  server s 127.0.0.1:{self.port} ssl verify required ca-file {self.ca[1]} sni str({HOST}) verifyhost {HOST}
frontend ft
  mode tcp
  bind 127.0.0.1:{tcp}
  default_backend bt
backend bt
  mode tcp
  server s 127.0.0.1:{self.port}
""")
        process = self.start("haproxy", ["haproxy", "-db", "-f", str(conf)], port)
        self.proxies.append(("haproxy", f"tls 127.0.0.1:{port}", process.pid, str(self.ca[1])))
        self.proxies.append(("haproxy-reuse", f"tls 127.0.0.1:{sharing}", process.pid,
                             str(self.ca[1])))
        self.proxies.append(("haproxy-tcp", f"tls 127.0.0.1:{tcp}", process.pid, str(self.ca[1])))

    def sslsplit(self):
        port = free_port()
        key, cert = self.authority("split", "/CN=Split root")
        process = self.start("sslsplit", [
            "sslsplit", "-D", "-k", str(key), "-c", str(cert), "-P",
            "https", "127.0.0.1", str(port), "127.0.0.1", str(self.port)], port)
        self.proxies.append(("sslsplit", f"tls 127.0.0.1:{port}", process.pid, "-"))

    def squid(self):
        port = free_port()
        key, cert = self.authority("squid", "/CN=Squid root")
        pem = self.folder / "squid-both.pem"
        pem.write_text(cert.read_text() + key.read_text())
        helper = "/usr/lib/squid/security_file_certgen"
        db = self.folder / "squid-db"
        run(helper, "-c", "-s", str(db), "-M", "16MB")
        run("chown", "-R", "proxy:proxy", str(db))
        conf = self.folder / "squid.conf"
        conf.write_text(f"""
http_port 127.0.0.1:{port} ssl-bump cert={pem} generate-host-certificates=on dynamic_cert_mem_cache_size=16MB
sslcrtd_program {helper} -s {db} -M 16MB
sslcrtd_children 2
ssl_bump bump all
tls_outgoing_options cafile={self.ca[1]}
hosts_file {self.folder}/hosts
http_access allow all
cache deny all
cache_mem 16 MB
access_log none
cache_log {self.folder}/squid-cache.log
pid_filename {self.folder}/squid.pid
coredump_dir {self.folder}
max_filedescriptors 19000
workers 1
""")
        (self.folder / "squid-cache.log").touch()
        run("chown", "proxy", str(self.folder / "squid-cache.log"))
        process = self.start("squid", ["squid", "-N", "-f", str(conf)], port)
        self.proxies.append(("squid", f"connect 127.0.0.1:{port}", process.pid, "-"))

    def mitmproxy(self):
        port = free_port()
        both = self.folder / "mitm-ca.pem"
        both.write_text(self.ca[1].read_text())
        process = self.start("mitmproxy", [
            "mitmdump", "-q", "--listen-host", "127.0.0.1", "-p", str(port),
            "--set", f"confdir={self.folder}/mitm",
            "--set", f"ssl_verify_upstream_trusted_ca={both}",
            "--set", "http2=false", "--set", "flow_detail=0"], port)
        # It resolves names by itself: it is asked for the address, and SNI says the rest.
        self.proxies.append(("mitmproxy", f"address 127.0.0.1:{port}", process.pid, "-"))

    # ------------------------------------------------------------------ the measures ----

    def load(self, proxy, what, count, parallel, path, host=HOST, roots=None):
        target = f"{host}:{self.port}"
        return [self.args.gate_load, what, str(count), str(parallel), proxy[1], target, path,
                roots or proxy[3]]

    def cost(self, proxy, what, count, parallel, path, host=HOST, roots=None):
        """Nanoseconds of the proxy's processor time; the least of several runs."""
        best = None
        for _ in range(self.args.rounds):
            before = cpu_ns(proxy[2])
            run(*self.load(proxy, what, count, parallel, path, host, roots))
            time.sleep(0.05)
            spent = cpu_ns(proxy[2]) - before
            best = spent if best is None else min(best, spent)
        return best

    def idle(self, proxy, count, host=HOST, roots=None, what="idle"):
        if proxy[0] == "midwatch":      # what others freed before is not to be counted on
            proxy = self.one_gate(f"idle-{len(self.started)}", "")
            self.proxies.pop()
            run(*self.load(proxy, "connect", 50, 1, "/small"))
        before = memory_kib(proxy[2])
        process = subprocess.Popen(self.load(proxy, what, count, 1, "/small", host, roots),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(2)           # idle, not only silent: the gate looks twice a second
        used = memory_kib(proxy[2]) - before
        process.stdin.close()
        process.wait()
        return used / count

    def price(self):
        """Nanoseconds that the server's full handshake costs its client, by OpenSSL's own calls."""
        return int(run(self.args.gate_load, "price", "500", "1", f"tls 127.0.0.1:{self.port}",
                       f"{HOST}:{self.port}", "/", "-"))

    def measure(self, name, unit, scale, do, among):
        row = {}
        for proxy in self.proxies:
            if proxy[0] in among:
                try:
                    row[proxy[0]] = do(proxy) / scale
                except Failed as wrong:
                    sys.stderr.write(f"{proxy[0]}: {name}: {wrong}\n")
        self.rows.append({"what": name, "unit": unit, "values": row})
        print(f"{name:<34}" + "".join(f"{k} {v:.4g} {unit}   " for k, v in row.items()),
              flush=True)

    def soak(self, requests):
        """Memory after a tenth of the requests, and after all of them, on ten connections."""
        proxy = self.proxies[0]
        run(*self.load(proxy, "request", requests // 100, 10, "/small"))
        first = memory_kib(proxy[2])
        run(*self.load(proxy, "request", requests // 10, 10, "/small"))
        last = memory_kib(proxy[2])
        print(f"{requests} requests: {first} KiB after a tenth, {last} KiB after all")
        return last <= first * 1.05 + 512

    def all(self):
        quick = self.args.quick
        n = 300 if quick else 2000
        everybody = {"midwatch", "haproxy", "sslsplit", "squid", "mitmproxy"}
        fast = everybody - {"mitmproxy"}
        self.rows = []
        for proxy in self.proxies[:]:   # hosts known, caches warm, code paged in
            try:
                run(*self.load(proxy, "connect", 50, 1, "/small"))
            except Failed as wrong:
                sys.stderr.write(f"{proxy[0]} is left out: {wrong}\n")
                log = self.folder / f"{proxy[0]}.log"
                sys.stderr.write(log.read_text()[-1500:] if log.exists() else "")
                self.proxies.remove(proxy)
        self.measure("new connection, one small GET", "ms", 1e6 * n,
                     lambda p: self.cost(p, "connect", n, 2, "/small") / 2,
                     fast | {"fresh", "haproxy-reuse"})
        self.measure("new connection (slow ones)", "ms", 1e6 * 200,
                     lambda p: self.cost(p, "connect", 100, 2, "/small"), {"mitmproxy"})
        m = 3000 if quick else 20000
        self.measure("small request, open connection", "us", 1e3 * m,
                     lambda p: self.cost(p, "request", m, 1, "/small"), fast)
        gib = 1 if quick else 4
        self.measure("1 GB, open connection", "s", 1e9 * gib * 0.268435456,
                     lambda p: self.cost(p, "bulk", gib, 1, "/bulk"), fast)
        self.measure("1 GB, bypassed", "s", 1e9 * gib * 0.268435456,
                     lambda p: self.cost(p, "bulk", gib, 1, "/bulk",
                                         host="plain.example.test" if p[0] == "midwatch" else HOST,
                                         roots=str(self.ca[1])),
                     {"midwatch", "haproxy-tcp"})
        k = self.cold_hosts
        self.cold = 0

        def cold(proxy):
            """Hosts never seen before: each needs a handshake in full, a judgement and a leaf."""
            spent = 0
            before = cpu_ns(proxy[2])
            for i in range(k):
                self.cold += 1
                run(*self.load(proxy, "connect", 1, 1, "/small",
                               host=f"h{self.cold}.example.test"))
            spent = cpu_ns(proxy[2]) - before
            return spent
        self.measure("new connection, cold host", "ms", 1e6 * k, cold, {"fresh"})

        def warm(proxy):
            before = cpu_ns(proxy[2])
            for _ in range(k):
                run(*self.load(proxy, "connect", 1, 1, "/small"))
            return cpu_ns(proxy[2]) - before
        self.measure("the same, warm", "ms", 1e6 * k, warm, {"fresh"})
        self.measure("a full handshake with the server", "ms", 1e6,
                     lambda p: sorted(self.price() for _ in range(3))[1],
                     {"fresh"})
        c = 500 if quick else 4000
        self.measure("idle inspected connection", "KiB", 1, lambda p: self.idle(p, c), fast)
        self.measure("idle inspected connection, HTTP/2", "KiB", 1,
                     lambda p: self.idle(p, c, what="idle2"), {"midwatch"})
        self.measure("idle bypassed connection", "KiB", 1,
                     lambda p: self.idle(p, c, host="plain.example.test" if p[0] == "midwatch"
                                         else HOST, roots=str(self.ca[1])),
                     {"midwatch", "haproxy-tcp"})


# What the gate is held to: what, against whom, at most how many times as much.
TARGETS = [
    ("new connection, one small GET", "haproxy", 0.7),
    ("small request, open connection", "haproxy", 1.0),
    ("1 GB, open connection", "haproxy", 1.0),
    ("1 GB, bypassed", "haproxy-tcp", 1.0),
]
LIMITS = [("idle inspected connection", 40), ("idle inspected connection, HTTP/2", 40),
          ("idle bypassed connection", 4)]


def chart(rows):
    """Bars, the longest of each row 50 wide."""
    for row in rows:
        values = {k: v for k, v in row["values"].items() if v > 0}
        if len(values) < 2:
            continue
        print(f"\n{row['what']}, {row['unit']}")
        for name, value in sorted(values.items(), key=lambda kv: kv[1]):
            print(f"  {name:<12} {'#' * max(1, round(50 * value / max(values.values())))} "
                  f"{value:.4g}")


def targets(rows):
    found = {row["what"]: row["values"] for row in rows}
    print("\nAgainst the targets:")
    for what, rival, most in TARGETS:
        values = found.get(what, {})
        if "midwatch" in values and rival in values:
            ratio = values["midwatch"] / values[rival]
            print(f"  {what:<34} {ratio:.2f} of {rival}'s, wanted at most {most}: "
                  + ("met" if ratio <= most else "NOT met"))
    for what, most in LIMITS:
        value = found.get(what, {}).get("midwatch")
        if value is not None:
            print(f"  {what:<34} {value:.1f} KiB, wanted at most {most}: "
                  + ("met" if value <= most else "NOT met"))
    values = found.get("new connection, one small GET", {})
    for name, rival in (("fresh", "haproxy"), ("midwatch", "haproxy-reuse")):
        if name in values and rival in values:
            print(f"  {'  ' + name + ' beside ' + rival:<34} {values[name] / values[rival]:.2f}")
    cold = found.get("new connection, cold host", {}).get("fresh")
    warm = found.get("the same, warm", {}).get("fresh")
    price = found.get("a full handshake with the server", {}).get("fresh")
    if cold and warm and price:
        most = 1.3 * warm + price
        print(f"  {'cold host':<34} {cold:.2f} ms, wanted at most {most:.2f} (1.3 of a warm one and "
              f"the server's own handshake): " + ("met" if cold <= most else "NOT met"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("midwatch")
    parser.add_argument("gate_load")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    parser.add_argument("--soak", type=int, metavar="REQUESTS",
                        help="only this: is memory flat after so many?")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    bench = Bench(args)
    try:
        bench.origin()
        for name, program in (("gate", args.midwatch), ("haproxy", "haproxy"),
                              ("sslsplit", "sslsplit"), ("squid", "squid"),
                              ("mitmproxy", "mitmdump")):
            if (not only or name in only) and shutil.which(program):
                getattr(bench, name)()
        if args.soak:
            return 0 if bench.soak(args.soak) else 1
        bench.all()
        chart(bench.rows)
        targets(bench.rows)
        if args.json:
            pathlib.Path(args.json).write_text(json.dumps(bench.rows, indent=1))
    finally:
        bench.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
