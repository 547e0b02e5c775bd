"""Every body of C706 12.6.4 reads back what the builders wrote, in both byte orders, whole, cut and damaged."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from builders import dcerpc as write
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.errors import ParseError, Truncated
from rpctrace.protocols.dcerpc import parse
from rpctrace.protocols.dcerpc.parse import is_plausible, parse_header, parse_pdu
from rpctrace.protocols.dcerpc.pdu import Bare, Bind, BindAck, BindNak, Fault, PduType, Request, Response

ORDERS = (write.LITTLE_ENDIAN, write.Representation(little_endian=False))
TOKEN = bytes(range(40))
OBJECT = "12345678-9abc-def0-1234-56789abcdef0"


def with_order(form: write.Representation, **more: object) -> write.Head:
    return replace(write.Head(7, form=form), **more)  # type: ignore[arg-type]


def samples(form: write.Representation = write.LITTLE_ENDIAN) -> list[bytes]:
    head = with_order(form)
    secured = with_order(form, security=write.Security(16, 5, TOKEN, 79, alignment=16))
    contexts = (
        write.Context(0, write.ICLASSFACTORY, (write.NDR, write.NDR64)),
        write.Context(1, write.ICLASSFACTORY, (write.bind_time_features(),)),
    )
    results = (write.Result(), write.REJECTED_TRANSFER, write.FEATURES_ACCEPTED)
    return [
        write.bind(contexts, secured),
        write.bind_ack(results, secured, secondary_address="49170"),
        write.bind_nak(9, head, versions=((5, 0), (5, 1))),
        write.bind_nak(8, head, extended_error=b"\x01" + bytes(30), signature_offset=21),
        write.alter_context(contexts[:1], secured),
        write.alter_context_resp(results[:1], head),
        write.auth3(secured),
        write.request(b"stub of nine", secured, opnum=3, context_id=1, object_uuid=OBJECT),
        write.response(b"answer", secured, context_id=1, cancel_count=2),
        write.fault(0x721, head, context_id=4, cancel_count=1),
        write.fault(5, head, extended_error=b"\x01" + bytes(40)),
        write.co_cancel(head),
        write.orphaned(head),
        write.shutdown(head),
        write.pdu(99, b"what is this", head),
    ]


@pytest.mark.parametrize("form", ORDERS)
def test_fields_of_every_body(form: write.Representation) -> None:
    """Each PDU type gives its fields, the trailer by position, and no problem."""
    bind, ack, nak, nak_ee, alter, alter_resp, auth3, request, response, fault, fault_ee, *rest = map(
        parse_pdu, samples(form)
    )
    assert isinstance(bind.body, Bind)
    assert [(c.context_id, c.abstract_syntax.uuid, len(c.transfer_syntaxes)) for c in bind.body.contexts] == [
        (0, "00000001-0000-0000-c000-000000000046", 2),
        (1, "00000001-0000-0000-c000-000000000046", 1),
    ]
    assert bind.trailer is not None
    assert (bind.trailer.auth_type, bind.trailer.auth_level, bind.trailer.context_id) == (16, 5, 79)
    assert bytes(bind.trailer.token) == TOKEN
    assert isinstance(ack.body, BindAck)
    assert ack.body.secondary_address == b"49170"
    assert [(r.result, r.reason) for r in ack.body.results] == [(0, 0), (2, 2), (3, 3)]
    assert isinstance(nak.body, BindNak)
    assert (nak.body.reason, nak.body.versions, len(nak.body.extended_error)) == (9, ((5, 0), (5, 1)), 0)
    if form.little_endian:  # the signature is a constant of [MS-RPCE], not an integer of the PDU
        assert isinstance(nak_ee.body, BindNak)
        assert bytes(nak_ee.body.extended_error) == b"\x01" + bytes(30)
    assert isinstance(alter.body, Bind)
    assert alter.header.pdu_type is PduType.ALTER_CONTEXT
    assert isinstance(alter_resp.body, BindAck)
    assert isinstance(auth3.body, Bare)
    assert auth3.trailer is not None
    assert isinstance(request.body, Request)
    assert (request.body.opnum, request.body.context_id, request.body.object_uuid) == (3, 1, OBJECT)
    assert bytes(request.body.stub) == b"stub of nine"
    assert isinstance(response.body, Response)
    assert (bytes(response.body.stub), response.body.cancel_count) == (b"answer", 2)
    assert isinstance(fault.body, Fault)
    assert (fault.body.status, fault.body.context_id, fault.body.cancel_count) == (0x721, 4, 1)
    assert not fault.body.has_extended_error
    assert isinstance(fault_ee.body, Fault)
    assert fault_ee.body.extended_error[0] == 1
    assert [pdu.header.pdu_type.value for pdu in rest] == [18, 19, 17, 99]
    every = (bind, ack, nak, alter, alter_resp, auth3, request, response, fault, fault_ee, *rest)
    assert all(pdu.complete and pdu.problem is None and pdu.header.call_id == 7 for pdu in every)


def test_the_trailer_is_found_by_position_not_by_alignment() -> None:
    """A bind of odd length without padding still gives its token; a pad length larger than the body is ignored."""
    security = write.Security(9, 6, TOKEN, 1, alignment=1, pad_length=200)
    pdu = parse_pdu(write.bind((write.Context(0, write.ICLASSFACTORY),), write.Head(2, security=security)))
    assert pdu.trailer is not None
    assert bytes(pdu.trailer.token) == TOKEN
    assert isinstance(pdu.body, Bind)
    assert len(pdu.body.contexts) == 1


def test_bit_two_is_header_signing_only_where_the_type_says_so() -> None:
    """[MS-RPCE] 2.2.2.3: 0x04 in a bind asks for header signing, in a request it is a pending cancel."""
    head = write.Head(2, write.Pfc(0x07))
    assert parse_pdu(write.bind((write.Context(0, write.ICLASSFACTORY),), head)).header.supports_header_sign
    assert not parse_pdu(write.request(b"", head)).header.supports_header_sign


def test_an_auth_length_past_the_fragment_is_a_problem_not_a_crash() -> None:
    """The raw protocol tests of Samba send such a bind; the body is read, the trailer is not there."""
    pdu = parse_pdu(bytes.fromhex("05000b03100000001900080000000000d016d0160000000000"))
    assert pdu.trailer is None
    assert pdu.problem is not None
    assert pdu.problem.layer == "dcerpc.sec_trailer"


@pytest.mark.parametrize("whole", samples(), ids=lambda octets: f"type-{octets[2]}-{len(octets)}")
def test_every_truncation_gives_a_value_or_a_parse_error(whole: bytes) -> None:
    """Cut anywhere, the fields before the cut are those of the whole PDU; under a header it is `Truncated`."""
    full = parse_pdu(whole)
    for length in range(len(whole)):
        if length < 16:
            with pytest.raises(Truncated):
                parse_pdu(whole[:length])
            continue
        cut = parse_pdu(whole[:length])
        assert not cut.complete
        for name in cut.body.__match_args__:
            value, expected = getattr(cut.body, name), getattr(full.body, name)
            if isinstance(value, tuple):
                assert value == expected[: len(value)]
            elif value is not None and not isinstance(value, memoryview | bool):
                assert value == expected


def test_damage_gives_no_other_exception() -> None:
    """10 000 mutated PDUs: each is a value or a ParseError."""
    rng = random.Random(721)
    whole = [*samples(), *samples(ORDERS[1])]
    for _ in range(10_000):
        octets = bytearray(rng.choice(whole))
        for _ in range(rng.randint(1, 6)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        try:
            parse_pdu(bytes(octets[: rng.randint(0, len(octets))]))
        except ParseError as error:
            assert error.layer.startswith("dcerpc")


@pytest.mark.parametrize(
    ("octets", "plausible", "lenient"),
    [
        ("05000b03100000004800000002000000", True, True),
        ("05010003000000000048000000000002", True, True),  # big endian, minor version 1
        ("04000b03100000004800000001000000", False, True),  # what a server refuses with bind_nak 4
        ("05000b0310000000190008000000000000", False, True),  # auth_length past the fragment
        ("05000b03100000000f00000000000000", False, False),  # fragment shorter than its header
        ("05000b03200000004800000002000000", False, False),  # no such data representation
        ("160301020001000001fc0303aabbccdd", False, False),  # TLS
        ("000000a4fe534d424000000000000000", False, False),  # SMB
    ],
)
def test_recognition(octets: str, plausible: bool, lenient: bool) -> None:
    """A header is recognised on any port by what it must be; at a stream's start also when a server would refuse it."""
    header = parse_header(bytes.fromhex(octets))
    assert is_plausible(header) is plausible
    assert is_plausible(header, lenient=True) is lenient


@given(
    st.sampled_from((PduType.REQUEST, PduType.RESPONSE, PduType.FAULT)),
    st.integers(0, 255),
    st.sampled_from((0x00, 0x10)),
    st.integers(0, 60),
    st.binary(max_size=90),
    st.integers(-3, 3),
)
def test_the_short_way_reads_what_the_long_way_reads(
    pdu_type: int, flags: int, order: int, auth_length: int, body: bytes, excess: int
) -> None:
    """Whatever stands in a request or response: a damaged or cut one is left to the reader that knows cuts."""
    byte_order = "little" if order else "big"
    lengths = (16 + len(body) + excess).to_bytes(2, byte_order) + auth_length.to_bytes(2, byte_order)
    octets = bytes((5, 0, pdu_type, flags, order, 0, 0, 0)) + lengths + bytes(4) + body
    header = parse_header(octets)
    view = memoryview(octets)[: header.fragment_length]
    expected = parse._any(view, header)
    short = parse._ordinary(view, header)
    assert short is None or (short == expected and expected.problem is None and expected.complete)
    read = parse_pdu(octets)
    assert read[:4] == expected[:4]
    assert str(read.problem) == str(expected.problem)


def test_the_short_way_is_taken() -> None:
    """By requests, with an object UUID too, and responses, with a trailer and without."""
    for octets in (*samples()[7:9], write.request(b"", write.Head(1)), write.response(b"x", write.Head(1))):
        assert parse._ordinary(memoryview(octets), parse_header(octets)) is not None
