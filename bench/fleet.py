#!/usr/bin/env python3
"""500 lab hosts: one midwatch against openssl s_client and sslscan, called once a host.

All three ask the same lab on this machine, one after the other, each host by its own server
name.  sslscan is asked for no more than the handshake and the certificate.  Wall time, and the
most memory that any one process held.
usage: bench/fleet.py BUILD-FOLDER [HOSTS]
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

DEVNULL = subprocess.DEVNULL


def run(command, stdin=None):
    """Seconds, peak KiB and exit status of one process."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdin=stdin or DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - begin, usage.ru_maxrss, child.returncode


def loop(commands):
    begin = time.monotonic()
    peak = max(run(command)[1] for command in commands)
    return time.monotonic() - begin, peak


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


def line(name, seconds, peak_kib, ours=None):
    ratio = "" if ours is None else f"   midwatch takes 1/{seconds / ours:.1f} of it"
    print(f"  {name:<22} {seconds:8.2f} s   {peak_kib / 1024:6.1f} MiB{ratio}")


def compare(program, folder, hosts):
    at = word(folder, "tls")
    roots = folder + "/roots.pem"
    with open(folder + "/fleet", "w", encoding="utf-8") as f:
        f.writelines(h + "\n" for h in hosts)
    run(["openssl", "s_client", "-connect", at, "-servername", hosts[0]])    # mints it
    with open(folder + "/fleet", encoding="utf-8") as listed:
        ours, peak, status = run([program, "check", "--quiet", "--no-network-evidence",
                                  "--connect", at, "--roots", roots,
                                  "--state", folder + "/state", "-"], listed)
    print(f"{len(hosts)} hosts of the lab, wall time and peak memory of one process")
    line("midwatch check", ours, peak)
    if status != 0:
        print(f"  (not every host was private: exit {status})")
    seconds, peak = loop(["openssl", "s_client", "-connect", at, "-servername", h,
                          "-verify_hostname", h, "-CAfile", roots] for h in hosts)
    line("openssl s_client", seconds, peak, ours)
    if shutil.which("sslscan") is None:
        print("  sslscan is not installed; left out")
        return
    seconds, peak = loop(["sslscan", "--no-colour", "--no-ciphersuites", "--no-fallback",
                          "--no-renegotiation", "--no-compression", "--no-heartbleed",
                          "--no-groups", "--sni-name=" + h, at] for h in hosts)
    line("sslscan", seconds, peak, ours)


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
