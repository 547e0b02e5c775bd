"""A capture and field names -> what tshark shows in them, frame by frame: the one home of the subprocess.

The command line is fixed, the file an absolute path, the user's own Wireshark configuration and plugins stay out, and
time and octets of output are bounded. Raises `EngineError` where tshark is missing or passes a bound.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.errors import EngineError
from rpctrace.record import record

MAXIMUM_SECONDS = 300
MAXIMUM_OUTPUT_OCTETS = 512 * 1024 * 1024
MAXIMUM_MEMORY_OCTETS = 4 << 30
MAXIMUM_COMPLAINT_CHARACTERS = 300

_WINDOWS_PLACES = (r"C:\Program Files\Wireshark\tshark.exe", r"C:\Program Files (x86)\Wireshark\tshark.exe")
_WINDOWS_NEEDS = ("SYSTEMROOT", "TEMP", "TMP", "PATHEXT")
# A separator that no printed field holds.
_BETWEEN_VALUES = "\x1f"

Fields = dict[str, tuple[str, ...]]


@record
class Shown:
    """`frames` holds, for each frame that the filter let through, all values of each field in their order.
    `complaint` is what tshark said when it did not end well (a cut file), None when it did."""

    frames: dict[int, Fields]
    complaint: str | None


def find_tshark() -> str | None:
    found = shutil.which("tshark")
    if found is None and os.name == "nt":
        found = next((place for place in _WINDOWS_PLACES if os.path.isfile(place)), None)
    return None if found is None else os.path.abspath(found)


@cache
def tshark_version(program: str) -> str | None:
    octets, _ = _run(program, ["--version"])
    match = re.search(rb"(\d+\.\d+\.\d+)", octets)
    return None if match is None else match[1].decode("ascii")


def tshark_fields(capture: str, display_filter: str, fields: Sequence[str], preferences: Sequence[str]) -> Shown:
    """Asks with `-T fields`."""
    arguments = ["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={_BETWEEN_VALUES}"]
    for field in ("frame.number", *fields):
        arguments += ["-e", field]
    octets, complaint = _ask(capture, display_filter, preferences, arguments)
    frames: dict[int, Fields] = {}
    for line in octets.decode("utf-8", "surrogateescape").splitlines():
        number, *cells = line.split("\t")
        if number.isdecimal() and len(cells) == len(fields):
            values = (tuple(cell.split(_BETWEEN_VALUES)) if cell else () for cell in cells)
            frames[int(number)] = dict(zip(fields, values, strict=True))
    return Shown(frames, complaint)


def pyshark_fields(capture: str, display_filter: str, fields: Sequence[str], preferences: Sequence[str]) -> Shown:
    """Asks with `-T json`, read by pyshark's reader (its runner knows no bounds and gives up on cut files)."""
    try:
        from pyshark.tshark.output_parser.tshark_json import packet_from_json_packet
    except ImportError as error:
        raise EngineError(f"pyshark is missing: {error}") from None
    octets, complaint = _ask(capture, display_filter, preferences, ["-T", "json"])
    frames: dict[int, Fields] = {}
    wanted = frozenset(fields)
    for text in _json_packets(octets):
        packet = packet_from_json_packet(text)
        found: dict[str, list[str]] = {field: [] for field in fields}
        for layer in packet.layers:
            _collect(layer._all_fields, wanted, found)
        frames[int(packet.number)] = {field: tuple(values) for field, values in found.items()}
    return Shown(frames, complaint)


def _json_packets(octets: bytes) -> Iterator[bytes]:
    """tshark writes a list of packets; the lines that open and close one are indented by two, and no text holds a line
    end."""
    lines: list[bytes] = []
    for line in octets.splitlines():
        if line == b"  {":
            lines = [line]
        elif line in (b"  }", b"  },"):
            yield b"\n".join((*lines, b"}"))
            lines = []
        else:
            lines.append(line)


def _collect(value: Any, wanted: frozenset[str], found: dict[str, list[str]]) -> None:
    """All values of the wanted keys in a tree of objects and lists, in order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in wanted:
                texts = inner if isinstance(inner, list) else [inner]
                found[key] += [text for text in texts if isinstance(text, str)]
            if not isinstance(inner, str):
                _collect(inner, wanted, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, wanted, found)


def _ask(
    capture: str, display_filter: str, preferences: Sequence[str], arguments: Sequence[str]
) -> tuple[bytes, str | None]:
    program = find_tshark()
    if program is None:
        raise EngineError("tshark is missing (Debian: sudo apt install tshark; Windows and macOS: wireshark.org)")
    command = ["-n", "-r", os.path.abspath(capture), "-Y", display_filter]
    for preference in preferences:
        command += ["-o", preference]
    return _run(program, [*command, *arguments])


def _run(program: str, arguments: Sequence[str]) -> tuple[bytes, str | None]:
    """The program's output, and its complaint where it did not end well."""
    with tempfile.TemporaryDirectory(prefix="rpctrace-") as empty, tempfile.TemporaryFile() as complaints:
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": empty, "WIRESHARK_CONFIG_DIR": empty}
        environment |= {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, env=environment, cwd=empty,
        )  # fmt: skip
        _bound_memory(process.pid)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(MAXIMUM_SECONDS, stop)
        timer.start()
        try:
            assert process.stdout is not None
            octets = process.stdout.read(MAXIMUM_OUTPUT_OCTETS + 1)
            if len(octets) > MAXIMUM_OUTPUT_OCTETS:
                raise EngineError(f"tshark: more than {MAXIMUM_OUTPUT_OCTETS} octets of output")
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.stdout.close()  # type: ignore[union-attr]  # a pipe was asked for
            process.wait()
        if late.is_set():
            raise EngineError(f"tshark: not done after {MAXIMUM_SECONDS} s")
        return octets, None if status == 0 else _complaint(complaints, status)


def _bound_memory(process_id: int) -> None:
    """T17, where the system can bound another process; elsewhere time and output are the only bounds."""
    try:
        import resource

        resource.prlimit(process_id, resource.RLIMIT_AS, (MAXIMUM_MEMORY_OCTETS, MAXIMUM_MEMORY_OCTETS))
    except (ImportError, AttributeError, OSError):
        return


def _complaint(complaints: Any, status: int) -> str:
    complaints.seek(0)
    lines = complaints.read(4096).decode("utf-8", "replace").splitlines()
    said = " ".join(line for line in lines if not line.startswith("Running as user"))
    return safe_text(said[:MAXIMUM_COMPLAINT_CHARACTERS]) or f"exit status {status}"
