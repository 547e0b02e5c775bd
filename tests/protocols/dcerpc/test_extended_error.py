"""[MS-EERR] records read back: the recorded sample, chains, every parameter type, cut and damaged."""

from __future__ import annotations

import random

from builders import extended_error as write

from rpctrace.protocols.dcerpc.extended_error import ParameterType, RecordFlags, parse_extended_error

K = write.ParameterType
PARAMETERS = ((K.LONG, 5), (K.UNICODE, "Kerberos"), (K.NONE, None))
# The blob of captures/u2u/u2u-fault-721-extended-error.pcap, frame 53.
RECORDED = bytes.fromhex(
    "01100800cccccccc600000000000000000000200030000000000000001000100"
    "0400000004000200a00400000000000000aeec407607da010300000021070000"
    "8200000003000000030003000c03098003000300090000000300030006000000"
    "04000000570053003200000000000000"
)


def test_a_recorded_blob() -> None:
    """Computer, process, component, status, location and the three long parameters of a real pickle."""
    (record,), problem = parse_extended_error(RECORDED)
    assert problem is None
    assert (record.computer, record.process_id, record.generating_component) == ("WS2", 1184, 3)
    assert (record.status, record.detection_location, record.flags) == (0x721, 130, RecordFlags(0))
    assert [(p.type, p.value) for p in record.parameters] == [
        (ParameterType.LONG, 0x8009030C),
        (ParameterType.LONG, 9),
        (ParameterType.LONG, 6),
    ]


def chain() -> bytes:
    time_ns = 1_331_717_210_000_000_000
    return write.extended_error(
        write.ErrorRecord(0x721, 71, 3, "NOVICE", 812, time_ns, parameters=PARAMETERS),
        write.ErrorRecord(0x8009030C, 90, 3, None, 812, time_ns, flags=1, parameters=((K.POINTER, 2**40),)),
        write.ErrorRecord(0xC0000064, 130, 9, "DC-B", 4, time_ns, parameters=((K.BINARY, b"\x01\x02"),)),
    )


def test_a_chain_from_the_outermost_to_the_root_cause() -> None:
    """Next pointers are followed; names and strings behind all records find their record again."""
    records, problem = parse_extended_error(chain())
    assert problem is None
    assert [(r.status, r.computer, r.detection_location) for r in records] == [
        (0x721, "NOVICE", 71),
        (0x8009030C, None, 90),
        (0xC0000064, "DC-B", 130),
    ]
    assert [p.value for p in records[0].parameters] == [5, "Kerberos", None]
    assert records[1].flags is RecordFlags.RECORDS_MISSING_BEFORE
    assert [p.value for p in records[1].parameters] == [2**40]
    assert [p.value for p in records[2].parameters] == ["0102"]


def test_every_truncation_keeps_the_records_before_the_cut() -> None:
    """A cut blob gives whole records, in order, and says where reading stopped."""
    whole = chain()
    statuses = [record.status for record in parse_extended_error(whole)[0]]
    for length in range(len(whole)):
        records, _problem = parse_extended_error(whole[:length])
        assert [record.status for record in records] == statuses[: len(records)]
    assert len(parse_extended_error(whole[:-20])[0]) == 3


def test_damage_gives_no_other_exception_and_ends() -> None:
    """5000 mutations: records or a kept problem, never a loop over a chain without end."""
    rng = random.Random(130)
    for _ in range(5000):
        octets = bytearray(rng.choice((RECORDED, chain())))
        for _ in range(rng.randint(1, 8)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        records, _problem = parse_extended_error(bytes(octets))
        assert len(records) <= 32
