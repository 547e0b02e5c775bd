"""The command `verify`: a capture -> the differences to tshark's reading, one a line, and an exit status."""

from __future__ import annotations

from rpctrace.console import streams
from rpctrace.console.exit_status import ExitStatus
from rpctrace.encoding.text import safe_text
from rpctrace.verification import Through, verify


def verify_command(capture: str, through: Through, quiet: bool) -> ExitStatus:
    found = verify(capture, through)
    for difference in found.differences:
        streams.put(str(difference))
    if found.complaint is not None:
        streams.tell(f"tshark did not read {capture} to its end: {found.complaint}")
    if not found.complete:
        streams.tell(f"{capture}: could not be read, or only in part")
    if not quiet:
        counts = f"{found.our_pdus} PDUs, tshark's {found.their_pdus}"
        result = "no difference" if not found.differences else f"{len(found.differences)} differences"
        streams.put(f"{safe_text(capture)}: {result} ({counts}; {found.through})")
    if found.complaint is not None or not found.complete:
        return ExitStatus.UNREAD
    return ExitStatus.FOUND if found.differences else ExitStatus.DONE
