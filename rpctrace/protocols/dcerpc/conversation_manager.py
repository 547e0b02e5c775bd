"""The stubs of the conversation manager ([C706] Appendix P, conv 3.0; [MS-RPCE] 2.2.3.5): what a server that meets an
unknown activity asks its client, and what the client answers.

The question is a call of its own, from the server to the client and on an activity of the server; the activity that it
is about stands in its stub. The token of the client is in the answer, and where it is too long for a datagram, the
server fetches the rest of it with conv_who_are_you_auth_more.
"""

from __future__ import annotations

from rpctrace.encoding.ndr import guid
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.reader import CutReader, Octets
from rpctrace.named_tuple import NamedTuple

CONVERSATION_MANAGER_UUID = "333a2276-0000-0000-0d00-00809c000000"


class ConvOperation(OpenEnum):
    WHO_ARE_YOU = 0
    WHO_ARE_YOU_2 = 1
    ARE_YOU_THERE = 2
    WHO_ARE_YOU_AUTH = 3
    WHO_ARE_YOU_AUTH_MORE = 4


NAMES: dict[int, str] = {
    ConvOperation.WHO_ARE_YOU: "conv_who_are_you",
    ConvOperation.WHO_ARE_YOU_2: "conv_who_are_you2",
    ConvOperation.ARE_YOU_THERE: "conv_are_you_there",
    ConvOperation.WHO_ARE_YOU_AUTH: "conv_who_are_you_auth",
    ConvOperation.WHO_ARE_YOU_AUTH_MORE: "conv_who_are_you_auth_more",
}


class Question(NamedTuple):
    """`activity` is the client's that is asked about. `token`: the server's (in_data); `token_offset`: from which
    octet on the client's token is asked for."""

    activity: str | None
    server_boot: int | None
    token: bytes
    token_offset: int


class Answer(NamedTuple):
    """`token`: the client's (out_data), or a part of it."""

    sequence: int | None
    token: bytes
    status: int | None


def parse_question(opnum: int, stub: Octets, *, little_endian: bool) -> Question:
    """Gives a value for any octets; what is behind a cut is None or empty."""
    reader = CutReader(stub, "dcerpc.conv", little_endian=little_endian)
    activity, server_boot = reader.read(guid), reader.u32()
    token, token_offset = b"", 0
    if opnum == ConvOperation.WHO_ARE_YOU_AUTH:
        token = _available(reader, reader.u32() or 0)
    elif opnum == ConvOperation.WHO_ARE_YOU_AUTH_MORE:
        token_offset = reader.u32() or 0
    return Question(activity, server_boot, token, token_offset)


def parse_answer(opnum: int, stub: Octets, *, little_endian: bool) -> Answer:
    """Gives a value for any octets; what is behind a cut is None or empty."""
    reader = CutReader(stub, "dcerpc.conv", little_endian=little_endian)
    sequence, token = None, b""
    if opnum in (ConvOperation.WHO_ARE_YOU, ConvOperation.WHO_ARE_YOU_2, ConvOperation.WHO_ARE_YOU_AUTH):
        sequence = reader.u32()
    if opnum in (ConvOperation.WHO_ARE_YOU_2, ConvOperation.WHO_ARE_YOU_AUTH):
        reader.read(guid)  # names this run of the client's program
    if opnum in (ConvOperation.WHO_ARE_YOU_AUTH, ConvOperation.WHO_ARE_YOU_AUTH_MORE):
        reader.u32(), reader.u32()  # [C706] 14.3.3.4: the array's maximum count and offset, then how many octets came
        token = _available(reader, reader.u32() or 0)
        reader.align(4)
        reader.u32()  # out_len, the same count
    return Answer(sequence, token, reader.u32())


def _available(reader: CutReader, count: int) -> bytes:
    """`count` octets, or those that are there: the front of a token tells most of it."""
    taken = reader.read(lambda inner: inner.take(min(count, inner.remaining)))
    return b"" if taken is None else bytes(taken)
