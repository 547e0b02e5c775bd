"""One connection to a KDC: whoever opened it, whatever the cut, a request and its reply are one exchange."""

from __future__ import annotations

import random

import pytest
from authentication_tokens import mutants
from builders import der as write
from builders import kerberos
from protocols.kerberos.kdc_talk import (
    AS_REP,
    AS_REQ,
    CLIENT,
    EVERY_MESSAGE,
    KPASSWD_REP,
    KPASSWD_REQ,
    PREAUTH_REQUIRED,
    SERVER,
    TGS_REP,
    TGS_REQ,
    UNKNOWN_SERVICE,
    Talk,
    pieces_of,
)

from rpctrace.protocols.dissector import Dissector, Problems
from rpctrace.protocols.kerberos.connection import KdcConnection
from rpctrace.protocols.kerberos.exchange import (
    AFTER_THE_END,
    MAXIMUM_OPEN_REQUESTS,
    REPLY_IN_A_GAP,
    KdcExchange,
    KdcOutcome,
    parse_exchanged,
)
from rpctrace.stream.stream import Chunk, Direction, Gap


def talk(*, joined_late: bool = False, problems: Problems | None = None) -> Talk:
    return Talk(KdcConnection(Problems() if problems is None else problems, joined_late=joined_late))


def test_it_is_a_dissector() -> None:
    dissector: Dissector[KdcExchange] = KdcConnection(Problems(), joined_late=False)
    assert (dissector.is_other, dissector.skippable(CLIENT), dissector.skippable(SERVER)) == (False, 0, 0)


def test_several_requests_on_one_connection() -> None:
    """Each is told when its reply is whole, with the frames of both."""
    said = talk()
    pairs = [(AS_REQ, PREAUTH_REQUIRED), (AS_REQ, AS_REP), (TGS_REQ, TGS_REP), (TGS_REQ, UNKNOWN_SERVICE),
             (KPASSWD_REQ, KPASSWD_REP)]  # fmt: skip
    for asked, answer in pairs:
        assert said.say(CLIENT, asked) == []
        (told,) = said.say(SERVER, answer)
        assert (told.request, told.reply) == (parse_exchanged(asked), parse_exchanged(answer))
        assert told.request_seen is not None
        assert told.reply_seen is not None
        assert (told.request_seen.frame, told.reply_seen.frame) == (said.frame - 1, said.frame)
        assert (told.carried_in, told.client_direction, told.copies, told.notes) == ("kdc_tcp", 0, (), ())
    assert said.end() == []
    assert said.connection.limits == {}
    assert said.connection.recognised


def test_the_kinds_of_messages_tell_who_is_the_client() -> None:
    said = talk()
    said.say(SERVER, TGS_REQ)
    (told,) = said.say(CLIENT, TGS_REP)
    assert told.client_direction == SERVER


def test_requests_in_a_row_are_answered_in_order() -> None:
    said = talk()
    said.say(CLIENT, AS_REQ, TGS_REQ, AS_REQ)
    told = [*said.say(SERVER, AS_REP, AS_REP), *said.say(SERVER, TGS_REP)]
    assert [(each.kind, each.request_seen and each.request_seen.stream_offset) for each in told] == [
        ("AS", 0), ("AS", len(AS_REQ) + len(TGS_REQ) + 8), ("TGS", len(AS_REQ) + 4),
    ]  # fmt: skip


def segmented(size: int, seed: int) -> list[KdcExchange]:
    """A conversation in segments of one size, those of both directions in order of time."""
    rng = random.Random(seed)
    connection = KdcConnection(Problems(), joined_late=False)
    told: list[KdcExchange] = []
    offsets, frame = [0, 0], 0
    for asked, answer in ((AS_REQ, PREAUTH_REQUIRED), (TGS_REQ, TGS_REP)):
        for direction, octets in ((CLIENT, asked), (SERVER, answer)):
            for piece in pieces_of(kerberos.over_tcp(octets), size or rng.randrange(1, 700)):
                frame += 1
                told += connection.feed(Chunk(direction, offsets[direction], memoryview(piece), frame, 5))
                offsets[direction] += len(piece)
    return told


def test_the_cut_into_segments_does_not_show() -> None:
    def without_frames(told: list[KdcExchange]) -> list[KdcExchange]:
        return [each._replace(request_seen=None, reply_seen=None) for each in told]

    whole = segmented(10_000, 0)
    assert len(whole) == 2
    for size, seed in [(1, 0), (3, 0), (4, 0), (11, 0), *((0, seed) for seed in range(30))]:
        assert without_frames(segmented(size, seed)) == without_frames(whole)


@pytest.mark.parametrize(("heard", "outcome"), [
    ("octets", KdcOutcome.UNANSWERED),
    ("seen", KdcOutcome.UNANSWERED),
    ("nothing", KdcOutcome.NOT_CAPTURED),
    ("gap", KdcOutcome.NOT_CAPTURED),
])  # fmt: skip
def test_a_request_without_reply(heard: str, outcome: KdcOutcome) -> None:
    said = talk()
    if heard in ("octets", "gap"):
        said.say(CLIENT, AS_REQ)
        said.say(SERVER, AS_REP)
    said.say(CLIENT, TGS_REQ)
    if heard == "seen":
        said.connection.seen(SERVER)
    if heard == "gap":
        said.lose(SERVER, 100)
    assert said.end(CLIENT) == []  # the client said all it had to say, and waits
    (told,) = said.end(SERVER)
    assert (told.kind, told.reply, told.reply_seen, told.outcome) == ("TGS", None, None, outcome)


def test_a_request_to_a_side_that_had_closed() -> None:
    """u2u/u2u-kdc-must-use-user2user.pcap 9: the KDC closes after its first reply; the client asks again, is reset."""
    said = talk()
    said.say(CLIENT, AS_REQ)
    said.say(SERVER, PREAUTH_REQUIRED)
    assert said.end(SERVER) == []
    assert said.say(CLIENT, AS_REQ) == []
    (told,) = said.end(CLIENT)
    assert (told.outcome, told.notes) == (KdcOutcome.UNANSWERED, (AFTER_THE_END,))


def test_a_reply_cut_by_a_gap_is_given_as_far_as_it_goes() -> None:
    said = talk()
    said.say(CLIENT, TGS_REQ)
    octets = kerberos.over_tcp(TGS_REP)
    connection = said.connection
    connection.feed(Chunk(SERVER, 0, memoryview(octets[:200]), 2, 2))
    (told,) = connection.gap(Gap(SERVER, 200, len(octets) - 200, 3))
    assert told.request is not None
    assert told.reply is not None
    assert not told.reply.complete
    assert told.outcome is KdcOutcome.ANSWERED


def test_a_reply_lost_in_a_gap_is_not_the_next_one() -> None:
    said = talk()
    said.say(CLIENT, AS_REQ)
    said.lose(SERVER, len(AS_REP) + 4)
    (lost,) = said.say(CLIENT, AS_REQ)
    assert (lost.outcome, lost.notes) == (KdcOutcome.NOT_CAPTURED, (REPLY_IN_A_GAP,))
    (told,) = said.say(SERVER, AS_REP)
    assert told.request_seen is not None
    assert told.request_seen.frame == 3


def test_joined_late_it_begins_with_what_it_finds() -> None:
    """A reply whose request came before the capture has none; what follows is paired."""
    connection = KdcConnection(Problems(), joined_late=True)
    octets = kerberos.over_tcp(AS_REP)[50:] + kerberos.over_tcp(TGS_REP)
    (first,) = connection.feed(Chunk(SERVER, 0, memoryview(octets), 1, 1))
    assert (first.kind, first.request) == ("TGS", None)
    connection.feed(Chunk(CLIENT, 0, memoryview(kerberos.over_tcp(TGS_REQ)), 2, 2))
    (second,) = connection.feed(Chunk(SERVER, len(octets), memoryview(kerberos.over_tcp(TGS_REP)), 3, 3))
    assert second.request is not None


def test_another_protocol() -> None:
    """Is other once neither direction can be Kerberos; one alone does not decide."""
    connection = KdcConnection(Problems(), joined_late=False)
    connection.feed(Chunk(CLIENT, 0, memoryview(b"GET / HTTP/1.1\r\n"), 1, 1))
    assert not connection.is_other
    connection.feed(Chunk(SERVER, 0, memoryview(b"HTTP/1.1 200 OK\r\n"), 2, 2))
    assert connection.is_other
    assert not connection.recognised


def test_messages_that_are_no_part_of_an_exchange() -> None:
    """An AP-REQ or a sealed message is stepped over; a whole message that does not read is a problem."""
    problems = Problems()
    said = talk(problems=problems)
    said.say(CLIENT, AS_REQ, kerberos.ap_req(b""), kerberos.krb_priv())
    assert len(problems) == 1  # the AP-REQ without its ticket
    said.say(CLIENT, write.application(25, write.sequence(write.integer(1))))
    assert [problem.frame_number for problem in problems] == [1, 2]
    (told,) = said.say(SERVER, AS_REP)
    assert told.kind == "AS"


def test_open_requests_are_bounded() -> None:
    said = talk()
    for _ in range(MAXIMUM_OPEN_REQUESTS + 2):
        said.say(CLIENT, AS_REQ)
    assert len(said.told) == 2
    assert said.connection.limits == {"open_requests": 2}
    assert len(said.end()) == MAXIMUM_OPEN_REQUESTS


def test_hostile_octets_give_exchanges_or_problems() -> None:
    whole = kerberos.over_tcp(*EVERY_MESSAGE.values())
    told = 0
    for mutant in mutants(whole, seed=88, count=300):
        problems = Problems()
        connection = KdcConnection(problems, joined_late=False)
        directions: tuple[Direction, ...] = (0, 1)
        for direction in directions:
            told += len(connection.feed(Chunk(direction, 0, memoryview(mutant), 1, 1)))
            told += len(connection.gap(Gap(direction, len(mutant), 10, 2)))
        for direction in directions:
            told += len(connection.end(direction))
    assert told > 1_000
