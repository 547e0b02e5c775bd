"""The pipeline: capture files -> Report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal

from rpctrace.report import Report

Source = str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may choose. `calls`: `default` keeps 20 000 ordinary calls and every notable one, `all` keeps all,
    `notable` only those that failed, stayed unanswered or carried a token. `pdus` records every MSRPC PDU for the
    Network Monitor view. `netmon_utc_offset_minutes`: the zone of Network Monitor files before 2.3. `max_unpacked_octets`:
    where a compressed input stops."""

    calls: Literal["default", "all", "notable"] = "default"
    pdus: bool = False
    netmon_utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is: octets of the file read of `size_octets` (None on a pipe), frames and failed calls so far."""

    path: str
    read_octets: int
    size_octets: int | None
    frames: int


def analyze(
    source: Source | Sequence[Source],
    options: Options = Options(),
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Reads one capture, or several as one incident, and reports what failed in them."""
    raise NotImplementedError
