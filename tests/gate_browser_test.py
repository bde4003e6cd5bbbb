"""A real browser through the gate: the CA is taken from the gateway's own page, installed into a
fresh profile, and a site then loads without a warning; before that it does not.

usage: gate_browser_test.py MIDWATCH [PICTURE.png]
Skipped without Chromium and certutil (Debian: chromium, libnss3-tools).
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import gate_world
from gate_world import Tally, WebServer, EchoHandler

SKIPPED = 77
PAGE = (b"<!doctype html><title>Welcome</title><h1>The site's own page</h1><p id=ws>waiting</p>"
        b"<script>fetch('/bytes/7').then(r=>r.text()).then(t=>document.getElementById('ws')"
        b".textContent='fetched '+t.length)</script>")


class Site(EchoHandler):
    def do_GET(self):
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
        else:
            super().do_GET()


def browse(home, gate, url, picture=None):
    """What the page is once its scripts ran."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
               "--disable-background-networking", "--disable-component-update",
               f"--user-data-dir={home}/profile", f"--proxy-server=127.0.0.1:{gate.port()}",
               "--proxy-bypass-list=<-loopback>", "--virtual-time-budget=8000",
               "--window-size=800,500"]
    command += [f"--screenshot={picture}", url] if picture else ["--dump-dom", url]
    done = subprocess.run(command, env=dict(os.environ, HOME=str(home)), timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode(errors="replace")


def main():
    program = sys.argv[1]
    if not shutil.which("chromium") or not shutil.which("certutil"):
        print("gate browser: skipped, there is no chromium or no certutil")
        return SKIPPED
    tally = Tally("gate browser")
    with gate_world.World(program) as world, tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        gate = world.gate(config='workers = 1; contact = "help@example.test";')
        site = WebServer(world, "web.world.test", handler=Site)
        url = f"https://web.world.test:{site.port}/"
        before = browse(home, gate, url)
        tally.expect("without the CA the browser warns", "The site's own page" not in before,
                     before[:300])

        proxy = urllib.request.build_opener(urllib.request.ProxyHandler(
            {"http": f"http://127.0.0.1:{gate.port()}"}))
        page = proxy.open("http://midwatch.gate/install", timeout=20).read().decode()
        tally.expect("the page tells how to install it", "certutil" in page and "iPhone" in page)
        (home / "ca.pem").write_bytes(proxy.open("http://midwatch.gate/ca.pem",
                                                 timeout=20).read())
        tally.expect("the page's CA is the gate's", (home / "ca.pem").read_text().split()
                     == gate.ca.read_text().split())
        database = home / ".pki" / "nssdb"
        database.mkdir(parents=True)
        for words in (["-N", "--empty-password"],
                      ["-A", "-t", "C,,", "-n", "gate", "-i", str(home / "ca.pem")]):
            subprocess.run(["certutil", "-d", f"sql:{database}", *words], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        after = browse(home, gate, url)
        tally.expect("with it the page loads", "The site's own page" in after, after[:400])
        tally.expect("and its scripts fetch", "fetched 7" in after, after[-400:])
        if len(sys.argv) > 2:
            browse(home, gate, url, sys.argv[2])
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
