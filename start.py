"""Runs rpctrace, or its tests, on a machine that has nothing but Python and pip.

    python3 start.py analyze CAPTURE     (every argument goes to rpctrace)
    python3 start.py test [ARGUMENTS]    (ruff, mypy and all tests; arguments go to pytest)

The first run makes a private environment, `.venv` beside this file, and installs the project into it; later runs start
at once. The system's own Python is not touched. Standard library only; written so that an old Python can read it and
say what is wrong.
"""

import hashlib
import os
import sys

NEEDED = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))
ENVIRONMENT = os.path.join(HERE, ".venv")
STAMP = os.path.join(ENVIRONMENT, "rpctrace-installed")
EVERYTHING = ["-n", "auto"]  # all tests, on all cores
PART_MISSING = 4  # as rpctrace's own exit status

PYTHON = os.path.join(ENVIRONMENT, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def say(text: str) -> None:
    sys.stderr.write("start.py: " + text + "\n")
    sys.stderr.flush()


def key() -> str:
    """What an installation depends on: the project's needs, the Python, and the folder (it is installed in place)."""
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as project:
        octets = project.read()
    what = (hashlib.sha256(octets).hexdigest(), sys.version, sys.base_prefix, HERE)
    return hashlib.sha256("\n".join(what).encode("utf-8", "surrogateescape")).hexdigest()


def installed() -> "list[str]":
    """The stamp: the key, then what was installed (`run`, `test`); empty where nothing complete is there."""
    try:
        with open(STAMP, encoding="utf-8") as stamp:
            return stamp.read().split()
    except OSError:
        return []


def call(arguments: "list[str]", quiet: bool = False) -> bool:
    """Runs a program with its output on standard error; whether it succeeded."""
    import subprocess

    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONNOUSERSITE="1")
    environment.pop("PYTHONHOME", None)
    environment.pop("PIP_USER", None)
    output = subprocess.DEVNULL if quiet else sys.stderr.fileno()
    return subprocess.call(arguments, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment) == 0


def make_environment() -> bool:
    """An empty environment of this Python. Without pip, because Debian's python3 has no ensurepip."""
    same = "import sys; sys.exit(sys.version_info[:2] != ({}, {}))".format(*sys.version_info[:2])
    if os.path.exists(PYTHON) and call([PYTHON, "-c", same], quiet=True):
        return True
    say("making a private environment in .venv (once)")
    return call([sys.executable, "-m", "venv", "--without-pip", "--clear", ENVIRONMENT])


def installers() -> "list[list[str]]":
    """The ways to install into the environment, best first."""
    import shutil

    ways = []
    if call([sys.executable, "-m", "pip", "--python", PYTHON, "--version"], quiet=True):  # pip 22.3 and later
        ways.append([sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet"])
    elif call([PYTHON, "-m", "pip", "--version"], quiet=True) or call([PYTHON, "-m", "ensurepip"], quiet=True):
        ways.append([PYTHON, "-m", "pip", "install", "--quiet"])
    uv = shutil.which("uv")
    if uv:
        ways.append([uv, "pip", "install", "--quiet", "--python", PYTHON])
    return ways


def install(part: str) -> bool:
    """Makes the environment fit for `part` and stamps it; whether that succeeded."""
    if not make_environment():
        say("could not make .venv; the lines above say why")
        return False
    ways = installers()
    if not ways:
        say("pip is missing. Install it (Debian: sudo apt install python3-pip) and run this again.")
        return False
    what = "rpctrace and its test tools" if part == "test" else "rpctrace"
    say(f"installing {what} into .venv (once, about a minute)")
    project = HERE + ("[test]" if part == "test" else "")
    if not any(call([*way, "--editable", project]) for way in ways):
        say("installing failed; the lines above say why (is the network there?)")
        return False
    parts = ["run", "test"] if part == "test" else ["run"]
    with open(STAMP + ".new", "w", encoding="utf-8") as stamp:
        stamp.write("\n".join([key(), *parts]) + "\n")
    os.replace(STAMP + ".new", STAMP)
    return True


def replace_process(arguments: "list[str]") -> int:
    """Becomes the program, so that signals and the exit status are its own; Windows can only wait for it."""
    if os.name != "nt":
        os.execv(arguments[0], arguments)
    import subprocess

    process = subprocess.Popen(arguments)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the program got it too and ends by itself
            continue


def main(arguments: "list[str]") -> int:
    if sys.version_info < NEEDED:
        numbers = (*NEEDED, *sys.version_info[:3], sys.executable)
        say("rpctrace needs Python {}.{} or newer; this is {}.{}.{} ({})".format(*numbers))
        return PART_MISSING
    part = "test" if arguments[:1] == ["test"] else "run"
    is_installed = installed()[:1] == [key()] and part in installed()
    if not is_installed and not install(part):
        return PART_MISSING
    if part == "test":
        os.chdir(HERE)
        return replace_process([PYTHON, "-m", "pytest", *(arguments[1:] or EVERYTHING)])
    # -P: never import from the folder that the user happens to be in
    return replace_process([PYTHON, "-P", "-m", "rpctrace", *arguments])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
