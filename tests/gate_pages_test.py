"""The gate's pages as what will read them sees them: an HTML parser, a property list reader, a
certificate library, a JavaScript engine (if there is one).

usage: gate_pages_test.py GATE_PAGE_PRINT
"""
import base64
import hashlib
import html.parser
import json
import plistlib
import re
import shutil
import subprocess
import sys
import uuid

PRINT = sys.argv[1]
VOID = {"meta", "br"}
KNOWN = VOID | set("html head title style body header main article footer strong span div h1 h2 p em "
                   "ul ol li dl dt dd table tr td tbody details summary pre code a form "
                   "button".split())


class Checker(html.parser.HTMLParser):
    """Every element is one we know, is closed, and fetches nothing."""

    def __init__(self):
        super().__init__()
        self.open, self.problems, self.links, self.forms, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in KNOWN:
            self.problems.append(f"<{tag}>")
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name in ("src", "style"):
                self.problems.append(f"<{tag} {name}>")
            if name == "href":
                self.links.append(value)
            if name == "action":
                self.forms.append(value)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> where {self.open} is open")

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def show(page):
    return subprocess.run([PRINT, page], stdout=subprocess.PIPE, check=True).stdout


def check_html(what, data):
    checker = Checker()
    checker.feed(data.decode())
    checker.close()
    assert not checker.problems, (what, checker.problems)
    assert not checker.open, (what, checker.open)
    return checker


def answer(path):
    head, _, body = show(path).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert int(fields["Content-Length"]) == len(body), path
    assert fields["X-Content-Type-Options"] == "nosniff"
    assert fields["Connection"] == "close"
    assert fields["Content-Security-Policy"].startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in fields["Content-Security-Policy"]
    return lines[0].split(" ", 2)[1], fields, body


def block_pages():
    for page in ("blocked", "stopped", "untrusted:expired", "untrusted:inspected", "ask:expired",
                 "untrusted:unreachable", "untrusted:clock"):
        seen = check_html(page, show(page))
        assert seen.links == ["mailto:it@corp.example"], seen.links
        if page.startswith("ask:"):
            assert len(seen.forms) == 1
            assert re.fullmatch("/.midwatch/continue/[0-9a-f]{64}", seen.forms[0])
        else:
            assert seen.forms == []
    text = " ".join(check_html("x", show("blocked")).text)
    assert "casino.example" in text and "rule 3 (gambling)" in text and "games of chance" in text


def html_answers():
    for path in ("/", "/install", "/install?again"):
        status, fields, body = answer(path)
        assert (status, fields["Content-Type"]) == ("200", "text/html; charset=utf-8")
        check_html(path, body)
    status, fields, body = answer("/status")
    assert (status, fields["Cache-Control"]) == ("404", "no-store")
    check_html("404", body)


def links_lead_somewhere():
    for page in ("/", "/install"):
        links = check_html(page, answer(page)[2]).links
        assert len(links) > 2
        for link in links:
            if not link.startswith("mailto:"):
                assert answer(link)[0] == "200", link


def pem_body(pem):
    return base64.b64decode("".join(pem.decode().splitlines()[1:-1]))


def ca_files():
    """Each file holds a root; the print makes a new one each time, so each is looked at alone."""
    status, fields, pem = answer("/ca.pem")
    assert pem.startswith(b"-----BEGIN CERTIFICATE-----\n")
    assert pem.endswith(b"\n-----END CERTIFICATE-----\n")
    assert max(map(len, pem.splitlines())) <= 64
    assert pem_body(pem)[:2] == b"\x30\x82"
    status, fields, der = answer("/ca.crt")
    assert (status, fields["Content-Type"]) == ("200", "application/x-x509-ca-cert")
    assert der[:2] == b"\x30\x82" and len(der) == 4 + int.from_bytes(der[2:4], "big")


def mobileconfig():
    status, fields, body = answer("/ca.mobileconfig")
    assert (status, fields["Content-Type"]) == ("200", "application/x-apple-aspen-config")
    profile = plistlib.loads(body)
    (payload,) = profile["PayloadContent"]
    digest = hashlib.sha256(payload["PayloadContent"]).digest()
    assert profile["PayloadType"] == "Configuration"
    assert payload["PayloadType"] == "com.apple.security.root"
    assert profile["PayloadRemovalDisallowed"] is False
    # The same root makes the same profile: the identifiers follow from its fingerprint.
    for where, part in ((payload, digest[:16]), (profile, digest[16:])):
        given = uuid.UUID(where["PayloadUUID"])
        assert given.version == 8 and given.variant == uuid.RFC_4122
        assert given.bytes[:6] == part[:6] and given.bytes[9:] == part[9:]
        assert where["PayloadVersion"] == 1
        assert where["PayloadIdentifier"].startswith("midwatch.gate." + digest[:8].hex())
    assert profile["PayloadUUID"] != payload["PayloadUUID"]
    assert profile["PayloadIdentifier"] != payload["PayloadIdentifier"]


PAC = [
    ("midwatch.gate", "PROXY 192.0.2.1:3128"), ("a.example", "PROXY 192.0.2.1:3128"),
    ("127.a.example.com", "PROXY 192.0.2.1:3128"), ("notlocalhost", "DIRECT"),
    ("a.notlocalhost.example", "PROXY 192.0.2.1:3128"), ("2001:db8::7", "PROXY 192.0.2.1:3128"),
    ("[2001:db8::7]", "PROXY 192.0.2.1:3128"), ("localhost", "DIRECT"), ("a.localhost", "DIRECT"),
    ("127.0.0.1", "DIRECT"), ("127.8.9.10", "DIRECT"), ("::1", "DIRECT"), ("[::1]", "DIRECT"),
    ("intranet", "DIRECT"), ("192.0.2.1", "DIRECT"), ("192.0.2.11", "PROXY 192.0.2.1:3128"),
]


def pac():
    status, fields, body = answer("/proxy.pac")
    assert (status, fields["Content-Type"]) == ("200", "application/x-ns-proxy-autoconfig")
    node = shutil.which("node")
    if node is None:
        print("no JavaScript engine: the PAC file was not run")
        return
    script = (body.decode() + "function isPlainHostName(h) { return h.indexOf('.') < 0; }\n"
              + f"console.log(JSON.stringify({json.dumps([host for host, _ in PAC])}"
              + ".map(h => FindProxyForURL('https://' + h + '/', h))))")
    got = json.loads(subprocess.run([node, "-e", script], stdout=subprocess.PIPE, check=True).stdout)
    for (host, want), said in zip(PAC, got):
        assert said == want, (host, said)


def main():
    for test in (block_pages, html_answers, links_lead_somewhere, ca_files, mobileconfig, pac):
        test()
        print(f"{test.__name__}: ok")


if __name__ == "__main__":
    main()
