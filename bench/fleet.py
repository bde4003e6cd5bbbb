#!/usr/bin/env python3
"""500 lab hosts: one midwatch against openssl s_client and sslscan, called once a host.

All three ask the same lab on this machine, one after the other, each host by its own server
name; the hosts share one wildcard certificate.  sslscan is asked for no more than the handshake
and the certificate.  Wall time, time on the processor (the lab's own not counted), and the most
memory that midwatch held.
usage: bench/fleet.py BUILD-FOLDER [HOSTS]
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

DEVNULL = subprocess.DEVNULL


class Cost:
    """What running processes one after the other cost."""

    def __init__(self):
        self.wall = self.cpu = self.peak_kib = 0

    def run(self, command, stdin=None, watch=False):
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=stdin or DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        while watch and self.look(child.pid):
            time.sleep(0.02)
        _, status, usage = os.wait4(child.pid, 0)
        self.wall += time.monotonic() - begin
        self.cpu += usage.ru_utime + usage.ru_stime
        child.returncode = os.waitstatus_to_exitcode(status)
        return child.returncode

    def look(self, pid):
        """ru_maxrss would count this script's own memory from before exec()."""
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            peak = [x for x in f if x.startswith("VmHWM:")]
        if not peak:
            return False
        self.peak_kib = int(peak[0].split()[1])
        return True


def loop(commands):
    cost = Cost()
    for command in commands:
        cost.run(command)
    return cost


def lab_open(program, folder):
    lab = subprocess.Popen([program, "lab", "--state", folder, "--ready-file", folder + "/ready"],
                           stdout=DEVNULL)
    for _ in range(200):
        if os.path.exists(folder + "/ready"):
            return lab
        time.sleep(0.05)
    lab.kill()
    sys.exit("fleet: the lab did not open within 10 seconds")


def word(folder, name):
    import json
    with open(folder + "/lab.json", encoding="utf-8") as f:
        return json.load(f)["words"][name]


def line(name, cost, ours=None):
    more = (f"at most {cost.peak_kib / 1024:.1f} MiB" if ours is None
            else f"midwatch takes 1/{cost.wall / ours.wall:.1f} of the wall time")
    print(f"  {name:<18} {cost.wall:7.2f} s wall {cost.cpu:7.2f} s processor   {more}")


def compare(program, folder, hosts):
    at = word(folder, "tls")
    roots = folder + "/roots.pem"
    with open(folder + "/fleet", "w", encoding="utf-8") as f:
        f.writelines(h + "\n" for h in hosts)
    ours = Cost()
    Cost().run(["openssl", "s_client", "-connect", at, "-servername", hosts[0]])    # mints it
    with open(folder + "/fleet", encoding="utf-8") as listed:
        status = ours.run([program, "check", "--quiet", "--no-network-evidence", "--connect", at,
                           "--roots", roots, "--state", folder + "/state", "-"], listed, True)
    print(f"{len(hosts)} hosts of the lab")
    line("midwatch check", ours)
    if status != 0:
        print(f"  (not every host was private: exit {status})")
    line("openssl s_client", loop(["openssl", "s_client", "-connect", at, "-servername", h,
                                   "-verify_hostname", h, "-CAfile", roots] for h in hosts), ours)
    if shutil.which("sslscan") is None:
        print("  sslscan is not installed; left out")
        return
    line("sslscan", loop(["sslscan", "--no-colour", "--no-ciphersuites", "--no-fallback",
                          "--no-renegotiation", "--no-compression", "--no-heartbleed",
                          "--no-groups", "--sni-name=" + h, at] for h in hosts), ours)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.strip().splitlines()[-1])
    program = sys.argv[1] + "/src/main/midwatch"
    hosts = [f"n{i}.fleet.lab.test" for i in range(1, int((sys.argv + ["500"])[2]) + 1)]
    if shutil.which("openssl") is None:
        sys.exit("fleet: openssl is not installed")
    with tempfile.TemporaryDirectory() as folder:
        lab = lab_open(program, folder)
        try:
            compare(program, folder, hosts)
        finally:
            lab.terminate()
            lab.wait()


if __name__ == "__main__":
    main()
