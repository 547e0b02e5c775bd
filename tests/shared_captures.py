"""Where captures lie: `captures/` in the checkout, and a `shared` folder beside it where there is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[1]
OWN = CHECKOUT / "captures"
SHARED = CHECKOUT.parent / "shared" / "captures"
SUFFIXES = (".pcap", ".pcapng", ".cap")

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of shared captures beside the checkout")


def captures_in(folder: Path) -> list[Path]:
    """Every capture below a folder, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES) if folder.is_dir() else []


def sidecar(path: Path) -> dict[str, Any]:
    """tshark's recorded reading of a lab capture, {} where there is none."""
    beside = path.with_name(path.name + ".json")
    return json.loads(beside.read_text()) if beside.is_file() else {}


def name_of(path: Path) -> str:
    """A short id for parametrised tests."""
    for root in (OWN, SHARED):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name
