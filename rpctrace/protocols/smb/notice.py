"""What SMB says of itself that a reader of its pipes wants to know: what was refused, what cannot be read, and whom a
session setup names."""

from __future__ import annotations

from enum import StrEnum

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Channel, Provenance
from rpctrace.protocols.gssapi.exchange import NtlmNames


class SmbNoticeKind(StrEnum):
    TREE_REFUSED = "tree connect refused"
    OPEN_REFUSED = "open of a pipe refused"
    WRITE_FAILED = "write to a pipe failed"
    READ_FAILED = "read from a pipe failed"
    TRANSACT_FAILED = "transaction on a pipe failed"
    ENCRYPTED = "messages encrypted"
    COMPRESSED = "messages compressed"
    NETBIOS_REFUSED = "NetBIOS session refused"


class SmbNotice(NamedTuple):
    """`name`: the path of the tree or the name of the pipe, where known. `status`: NTSTATUS, or the word of a DOS error
    ([MS-CIFS] 2.2.1.5), or the octet of RFC 1002 4.3.4; None where messages could not be read: so many `messages`, the
    first at `provenance`. `channel`: the pipe that it happened on, once one was open."""

    kind: SmbNoticeKind
    name: str | None
    status: int | None
    provenance: Provenance
    session: int = 0
    channel: Channel | None = None
    messages: int = 1


class SessionFacts(NamedTuple):
    """What becomes known of a session besides its tokens: `target`, the server as the client names it in the path of a
    tree (`\\\\server`), or `names`, sent in clear by a session setup without token."""

    session: int
    target: str | None
    names: NtlmNames | None
    provenance: Provenance
