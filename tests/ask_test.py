"""Trust anyway: asked of a person on a terminal, for one host, one key, exactly these findings
and a limited time; and never of anybody when unattended.

usage: ask_test.py MIDWATCH BAD_INPUT_MAKE
"""
import os
import pty
import select
import subprocess
import sys
import tempfile
import time

AT = "2030-01-01T00:00:00Z"


class Person:
    """Runs the program on a terminal and types answers."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.state = os.path.join(folder, "state")
        self.env = dict(os.environ, MIDWATCH_STATE=self.state, HOME=folder, TERM="xterm",
                        NO_COLOR="1", COLUMNS="80")

    def check(self, args, answers=""):
        """(exit status, all that stood on the terminal)"""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(self.program, [self.program, "check", "--roots",
                                     os.path.join(self.folder, "root.pem")] + args, self.env)
        text = b""
        if answers:
            os.write(terminal, answers.encode())
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            text += data
        status = os.waitpid(pid, 0)[1]
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), text.decode("utf-8", "replace")

    def run(self, *args):
        done = subprocess.run([self.program] + list(args), env=self.env, capture_output=True,
                              timeout=60, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()


problems = []


def expect(what, is_true, text=""):
    if not is_true:
        problems.append(what + ("\n    " + text.replace("\n", "\n    ") if text else ""))


def main():
    program, make = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([make, folder], check=True, timeout=120)
        person = Person(program, folder)
        chain = ["--chain", os.path.join(folder, "good.pem")]
        other = chain + ["other.example"]

        status, text = person.check(["--ask"] + other, "n\n")
        expect("a no is a no", status == 1 and "Trust anyway?" in text and "Not trusted" in text,
               text)
        expect("a no is not remembered", not os.path.exists(person.state))

        status, text = person.check(["--ask"] + other, "\n")
        expect("only Enter is a no", status == 1 and "Not trusted" in text, text)

        status, text = person.check(["--ask", "--reason", "a test device"] + other, "y\n")
        expect("a yes is a yes", status == 0 and "Trusted." in text, text)
        expect("it says what it covers", "other.example:443" in text and "sha256/" in text and
               "name-mismatch" in text and "a test device" in text, text)

        status, text = person.check(["--ask"] + other)
        expect("an answer is remembered", status == 0 and "Trust anyway?" not in text, text)
        status, text = person.check(["--ask"] + chain + ["third.example"], "n\n")
        expect("not for another host", status == 1 and "Trust anyway?" in text, text)
        status, text = person.check(["--ask"] + chain + ["other.example:8443"], "n\n")
        expect("not for another port", status == 1 and "Trust anyway?" in text, text)
        status, text = person.check(["--ask", "--at", AT] + other, "n\n")
        expect("not for a new finding", status == 1 and "Trust anyway?" in text and
               "expired" in text, text)
        status, text = person.check(["--ask", "--unattended"] + other)
        expect("asking and not asking exclude each other", status == 2, text)
        status, text = person.check(["--unattended"] + other)
        expect("unattended refuses all the same", status == 1 and
               "refused other.example:443 name-mismatch" in text, text)

        status, text = person.run("trust", "list")
        expect("it is listed", status == 0 and "other.example" in text, text)
        status, text = person.run("trust", "remove", "other.example")
        expect("it can be taken back", status == 0, text)
        status, text = person.check(["--ask"] + other, "n\n")
        expect("and is then asked again", status == 1 and "Trust anyway?" in text, text)

        # Nothing but time passes: the certificate is still valid three minutes later.
        now = time.time()
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 180))
        status, text = person.check(["--ask", "--for", "120"] + other, "y\n")
        expect("a short yes", status == 0, text)
        status, text = person.check(["--ask", "--at", soon] + other, "n\n")
        expect("expires", status == 1 and "Trust anyway?" in text, text)
    for problem in problems:
        print(problem)
    print("ask: " + ("%d problems" % len(problems) if problems else "no problems"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
