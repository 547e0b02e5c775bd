"""A program -> what it cost; and on which machine, with which versions."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable, "-m", "rpctrace"]
TSHARK_FILTER = "dcerpc.pkt_type==3 || dcerpc.pkt_type==14 || kerberos.ap_req_element"
TSHARK_FIELDS = (
    "frame.number", "dcerpc.pkt_type", "dcerpc.cn_status", "kerberos.realm", "kerberos.SNameString",
)  # fmt: skip
# ru_maxrss counts KiB, on macOS octets (getrusage(2))
_PEAK_UNIT_OCTETS = 1 if sys.platform == "darwin" else 1024


class Cost(NamedTuple):
    """What one run of a program took; CPU and memory with those of its children. `status` as a shell has it."""

    cpu_seconds: float
    wall_seconds: float
    peak_octets: int
    status: int


def environment(settings: str | None = None) -> dict[str, str]:
    """rpctrace of this checkout; tshark with the settings of an empty folder, not with somebody's own."""
    inherited = {**os.environ, "PYTHONPATH": str(CHECKOUT), "TZ": "UTC"}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its modules compiled
    return inherited if settings is None else {**inherited, "WIRESHARK_CONFIG_DIR": settings}


def run(command: Sequence[str], output: Path | None = None) -> Cost:
    """Runs it to its end; what it prints goes into `output` or nowhere.

    Linux counts the memory of the process that starts another as the other's until it is replaced, so whoever calls
    this must be small.
    """
    with tempfile.TemporaryDirectory() as settings, open(output or os.devnull, "wb") as out:
        begin = time.perf_counter()
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, env=environment(settings)
        )
        _, status, usage = os.wait4(started.pid, 0)
        wall = time.perf_counter() - begin
        started.returncode = os.waitstatus_to_exitcode(status)
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * _PEAK_UNIT_OCTETS, started.returncode)


def best(costs: Sequence[Cost]) -> Cost:
    """The least time, each by itself, and the most memory."""
    return Cost(
        min(cost.cpu_seconds for cost in costs),
        min(cost.wall_seconds for cost in costs),
        max(cost.peak_octets for cost in costs),
        max(cost.status for cost in costs),
    )


def tshark_command(corpus: Path) -> list[str] | None:
    """The same question put to tshark; None where it is not installed."""
    program = shutil.which("tshark")
    if program is None:
        return None
    wanted = [argument for name in TSHARK_FIELDS for argument in ("-e", name)]
    return [program, "-n", "-r", str(corpus), "-Y", TSHARK_FILTER, "-T", "fields", *wanted]


def said(command: Sequence[str]) -> str:
    """The first line that a program prints, empty where it does not run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    except OSError:
        return ""
    return done.stdout.partition("\n")[0].strip()


def options_of_analyze() -> str:
    asked = [*PYTHON, "analyze", "--help"]
    return subprocess.run(asked, capture_output=True, text=True, check=False, env=environment()).stdout


class Machine(NamedTuple):
    """Where figures come from."""

    processor: str
    cores: int
    system: str
    python: str
    tshark: str
    rpctrace: str
    date: str


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def machine() -> Machine:
    return Machine(
        _processor(),
        os.cpu_count() or 1,
        f"{platform.system()} {platform.machine()}",
        platform.python_version(),
        said(["tshark", "--version"]).partition(" (Git")[0].rstrip(".") or "no tshark",
        said([*PYTHON, "--version"]),
        datetime.now(UTC).date().isoformat(),
    )
