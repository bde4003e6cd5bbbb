"""The gate's systemd units say what systemd understands, and keep the walls they had.

usage: gate_unit_test.py PROGRAM SERVICE SOCKET
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from gate_world import Tally

MOST = 2.9          # systemd's own measure of exposure, 0 to 10: the parent is root, on the network

# What the parent and its processes can do without.
WALLS = ("NoNewPrivileges=", "ProtectSystem=", "ProtectHome=", "PrivateTmp=", "PrivateDevices=",
         "PrivateMounts=", "ProtectProc=", "ProtectKernelTunables=", "ProtectKernelModules=",
         "ProtectKernelLogs=", "ProtectControlGroups=", "ProtectClock=", "ProtectHostname=",
         "LockPersonality=", "MemoryDenyWriteExecute=", "RestrictRealtime=", "RestrictSUIDSGID=",
         "SystemCallArchitectures=", "UMask=", "NotifyAccess=",
         "CapabilityBoundingSet=~CAP_SYS_ADMIN", "CapabilityBoundingSet=~CAP_SYS_PTRACE",
         "CapabilityBoundingSet=~CAP_SYS_MODULE", "CapabilityBoundingSet=~CAP_SYS_RAWIO",
         "RestrictAddressFamilies=~AF_PACKET", "RestrictNamespaces=~user",
         "SystemCallFilter=~@mount", "SystemCallFilter=~@debug", "SystemCallFilter=~@module")


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL)


def main():
    program, service, sock = (pathlib.Path(word).resolve() for word in sys.argv[1:])
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not installed")
        return 77
    tally = Tally("gate_unit")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        # The program where it was built, for systemd looks whether it is there.
        text, n = re.subn(r"=\S+/midwatch gate", f"={program} gate", service.read_text())
        tally.expect("it starts and reloads the program", n == 2, text)
        units = [folder / service.name, folder / sock.name]
        units[0].write_text(text)
        units[1].write_text(sock.read_text())
        done = analyze("verify", "--man=no", *map(str, units))
        said = [line for line in done.stderr.decode().splitlines()
                if service.name in line or sock.name in line]
        tally.expect("systemd understands the units", done.returncode == 0 and not said,
                     done.stderr.decode())
        units[0].write_text(text.replace("NoNewPrivileges=yes", "NoNewPriviliges=yes"))
        done = analyze("verify", "--man=no", str(units[0]))
        tally.expect("and would say what it does not", b"NoNewPriviliges" in done.stderr,
                     done.stderr.decode())
        units[0].write_text(text)
        done = analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST * 10:.0f}",
                       str(units[0]))
        tally.expect(f"it is exposed to {MOST} at most", done.returncode == 0,
                     done.stdout.decode()[-200:] + done.stderr.decode())
        done = analyze("security", "--offline=true", "--json=short", str(units[0]))
        set_to = {item["name"]: item["set"] for item in json.loads(done.stdout)}
        tally.expect("walls are up", not [wall for wall in WALLS if set_to.get(wall) is not True],
                     [wall for wall in WALLS if set_to.get(wall) is not True])
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
