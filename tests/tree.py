"""What the tests of the tree share: its files, as git tracks them."""
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def files(*suffixes):
    """Tracked and new files with one of these endings ('' for all), build folders left out."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
        names = sorted(set(listed.splitlines()))
    except (OSError, subprocess.CalledProcessError):    # an unpacked archive has no git
        names = sorted(str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                       if not {"build", ".git"} & set(p.relative_to(ROOT).parts))
    for name in names:
        path = ROOT / name
        if path.is_file() and not path.is_symlink() and name.endswith(suffixes or ("",)):
            yield pathlib.PurePosixPath(name), path


def report(what, problems):
    """Prints the problems; the exit code that goes with them."""
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems) or 'no'} problem{'s' if len(problems) != 1 else ''}")
    return 1 if problems else 0
