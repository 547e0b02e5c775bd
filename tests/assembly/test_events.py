"""What SMB refused or hides, as events of the report."""

from __future__ import annotations

from rpctrace.assembly import events
from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ObservedNotice
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.smb.notice import SmbNotice, SmbNoticeKind
from rpctrace.report import Event
from rpctrace.stream.stream import Connection

CONNECTION = Connection(3, Endpoint("10.0.0.1", 50001), Endpoint("10.0.0.2", 445), False)


def told(kind: SmbNoticeKind, status: int | None, frame: int = 7, messages: int = 1) -> Event:
    notice = SmbNotice(kind, "\\pipe\\samr", status, Provenance((frame,), 5, 0), messages=messages)
    return events.of_notice(Assembler(2, {}), ObservedNotice(CONNECTION, notice))


def test_a_refused_pipe() -> None:
    """Its name, NTSTATUS with name, frame and ends."""
    event = told(SmbNoticeKind.OPEN_REFUSED, 0xC0000022)
    assert (event.kind, event.name, event.status_hex, event.status_name) == (
        "pipe_refused", "\\pipe\\samr", "0xc0000022", "STATUS_ACCESS_DENIED",
    )  # fmt: skip
    assert (event.capture, event.frames, event.server.port) == (2, (7,), 445)
    assert event.text == "SMB open of a pipe refused"


def test_encrypted_messages_say_what_that_means() -> None:
    """Counted, without a status."""
    event = told(SmbNoticeKind.ENCRYPTED, None, messages=40)
    assert (event.count, event.status_name) == (40, None)
    assert event.text.endswith("the pipes in them cannot be read")


def test_the_octet_of_netbios_is_no_ntstatus() -> None:
    """RFC 1002 4.3.4."""
    event = told(SmbNoticeKind.NETBIOS_REFUSED, 0x82)
    assert (event.status, event.status_name) == (0x82, None)


def test_events_stand_in_the_order_of_their_frames() -> None:
    """As the capture shows them."""
    late, early = told(SmbNoticeKind.READ_FAILED, 1, 9), told(SmbNoticeKind.WRITE_FAILED, 1, 4)
    assert events.in_order([late, early]) == (early, late)
