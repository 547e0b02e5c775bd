"""What an office computer does in the minute before: names, closed connections, a ticket for a file server, two
unauthenticated RPC calls. It stands before the article's exchange so that Network Monitor's conversation numbers reach
those of the article: IPv4:117, TCP:122, MSRPC:125.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle

from builders import CLIENT, SERVER, Host, TimedFrame, dcerpc, dns, filler, udp_frame
from builders.dcerpc import Context, Head, Result
from builders.kerberos import principal

from making import cast, credentials, keys
from making.cast import EXPERT, MILLISECOND_NS
from making.conversation_numbers import conversation_numbers
from making.credentials import Issuer
from making.speech import ask_kdc, look_up, talk

Episode = Callable[[int], list[TimedFrame]]
STEP_NS = 550 * MILLISECOND_NS


def _name(number: int) -> Episode:
    name = f"host{number}.example.com"
    records = [dns.address_record(f"198.51.100.{number}")]
    return lambda at_ns: look_up((EXPERT, 51000 + number), cast.DC_B, at_ns, name, records)


def _closing(number: int) -> Episode:
    """The end of a connection that was there before the capture began."""

    def frames(at_ns: int) -> list[TimedFrame]:
        server = Host(f"198.51.100.{number}", cast.GATEWAY_MAC)
        return talk((EXPERT, 49300 + number), (server, 443), at_ns).close(SERVER)

    return frames


def web(client: Host, number: int, at_ns: int) -> list[TimedFrame]:
    """A short conversation in TLS records (RFC 8446 5.1) of filler."""
    server = Host(f"203.0.113.{number}", cast.GATEWAY_MAC)
    conversation = talk((client, 49200 + number), (server, 443), at_ns)
    conversation.connect()
    for direction, size in ((CLIENT, 180), (SERVER, 420)):
        record = b"\x17\x03\x03" + size.to_bytes(2, "big") + filler(f"web {number}", size)
        conversation.send(direction, record, acknowledge=True)
    conversation.reset()
    return conversation.frames


def _web(number: int) -> Episode:
    return lambda at_ns: web(EXPERT, number, at_ns)


def _local_names(at_ns: int) -> list[TimedFrame]:
    """LLMNR (RFC 4795) over IPv6 and IPv4: nobody answers."""
    asked = dns.query(0x4C4C, "wpad").replace(b"\x01\x00", b"\0\0", 1)
    groups = (
        (Host("fe80::21b:21ff:fe0a:221", EXPERT.mac), Host("ff02::1:3", "33:33:00:01:00:03")),
        (EXPERT, Host("224.0.0.252", "01:00:5e:00:00:fc")),
    )
    return [
        TimedFrame(at_ns + at, udp_frame((source, 61000), (group, 5355), asked))
        for at, (source, group) in enumerate(groups)
    ]


def _alive(server: Host, port: int) -> Episode:
    """IObjectExporter ServerAlive ([MS-DCOM] 3.1.2.5.1.3): no stub in, a status out, nobody authenticated."""

    def frames(at_ns: int) -> list[TimedFrame]:
        conversation = talk((EXPERT, port), (server, 135), at_ns)
        conversation.connect()
        conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.IOBJECTEXPORTER)], Head(2)))
        conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(2), secondary_address="135"))
        conversation.send(CLIENT, dcerpc.request(b"", Head(2), opnum=3))
        conversation.send(SERVER, dcerpc.response(bytes(4), Head(2)))
        conversation.close()
        return conversation.frames

    return frames


def _ticket(at_ns: int) -> list[TimedFrame]:
    """A ticket for a file server of the expert's own domain."""
    sname, realm = principal("cifs", keys.FILES), cast.CHILD_REALM
    given = credentials.granting(keys.EXPERT, realm, cast.START_NS)
    issuer = Issuer(keys.service(keys.FILES), 6, keys.KRBTGT[realm])
    granted = credentials.issue(keys.EXPERT, realm, sname, issuer, cast.START_NS, issued_ns=at_ns)
    asked = credentials.exchange(given, sname, granted, at_ns, realm=realm)
    return ask_kdc((EXPERT, 50102), cast.DC_CHILD, at_ns, asked.request, asked.reply)


def _episodes() -> Iterator[Episode]:
    """First what must be there, then names and closed connections without end."""
    yield _local_names
    yield _alive(cast.DC_B, 50101)
    yield _ticket
    yield _alive(cast.FILE_SERVER, 50105)
    for number in (5, 6, 7):
        yield _web(number)
    for number, kind in enumerate(cycle((_name, _closing, _name))):
        yield kind(number)


@cache
def everyday(conversations: int, until_ns: int = cast.START_NS) -> tuple[TimedFrame, ...]:
    """Episodes up to exactly `conversations` numbered conversations, the last one ending before `until_ns`."""
    chosen: list[Episode] = []
    counted: list[TimedFrame] = []
    for episode in _episodes():
        told = episode(len(chosen) * STEP_NS)
        number = max(conversation_numbers([*counted, *told])[-1])
        if number > conversations:
            continue
        chosen.append(episode)
        counted += told
        if number == conversations:
            break
    start_ns = until_ns - len(chosen) * STEP_NS
    return tuple(frame for at, episode in enumerate(chosen) for frame in episode(start_ns + at * STEP_NS))
