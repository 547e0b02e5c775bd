"""A capture file -> what tshark reads from it: the second opinion of tests. Skips the test where tshark is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

TIME_LIMIT_SECONDS = 60


def tshark(capture: Path | bytes, *arguments: str) -> list[str]:
    """The lines of `tshark -n -r capture arguments`, with nobody's own settings in the way."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(capture, bytes):
            path = Path(folder, "capture")
            path.write_bytes(capture)
        else:
            path = capture
        done = subprocess.run(
            ["tshark", "-n", "-r", str(path), *arguments],
            env={**os.environ, "WIRESHARK_CONFIG_DIR": folder, "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=TIME_LIMIT_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def fields(capture: Path | bytes, display_filter: str, *names: str) -> list[tuple[str, ...]]:
    """The values of the named fields in each frame that passes the filter; several of one name are joined by commas."""
    wanted = [argument for name in names for argument in ("-e", name)]
    lines = tshark(capture, "-Y", display_filter, "-T", "fields", *wanted)
    return [tuple(line.split("\t")) for line in lines]
