"""ept_map and ept_lookup: built ones, cut ones, and every one of the captures against tshark."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from builders import epm as build
from builders.dcerpc import ICLASSFACTORY, LSARPC, NETLOGON_INTERFACE
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, captures_in, name_of, needs_shared
from tshark_reading import fields

from rpctrace.knowledge.tables import ENDPOINT_MAPPER_UUID
from rpctrace.protocols.interfaces import epm
from rpctrace.protocols.interfaces.epm import EPT_LOOKUP, EPT_MAP, MAXIMUM_ENTRIES, NOT_REGISTERED, EndpointAnswer
from rpctrace.protocols.interfaces.stub import NamedEndpoint, Stub

OBJECT = "7a98c250-6808-11cf-b73b-00aa00b677a7"
NIL = "00000000-0000-0000-0000-000000000000"
FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64


def mapped(little_endian: bool, ndr64: bool, **kwargs: object) -> Stub:
    def ndr() -> Ndr:
        return Ndr(little_endian=little_endian, ndr64=ndr64)

    towers = [build.tcp_tower(LSARPC, 49664), None, build.tcp_tower(LSARPC, 49667, "192.0.2.7")]
    request = build.map_request(ndr(), build.tcp_tower(LSARPC, 0), object_uuid=OBJECT)
    response = build.map_response(ndr(), towers, **kwargs)
    return stub(ENDPOINT_MAPPER_UUID, EPT_MAP, request, response, little_endian=little_endian, ndr64=ndr64)


def looked_up(little_endian: bool, ndr64: bool) -> Stub:
    def ndr() -> Ndr:
        return Ndr(little_endian=little_endian, ndr64=ndr64)

    entries = [
        (NIL, build.pipe_tower(LSARPC, "\\PIPE\\lsass", "\\\\DC1"), "LSA"),
        (OBJECT, build.tcp_tower(NETLOGON_INTERFACE, 49668), ""),
        (NIL, None, "nothing"),
    ]
    request = build.lookup_request(ndr(), 1, OBJECT, LSARPC)
    response = build.lookup_response(ndr(), entries, handle=build.HANDLE)
    return stub(ENDPOINT_MAPPER_UUID, EPT_LOOKUP, request, response, little_endian=little_endian, ndr64=ndr64)


def read(call: Stub) -> EndpointAnswer:
    found = epm.read(call)
    assert found is not None
    return found


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_map(little_endian: bool, ndr64: bool) -> None:
    """The question, both towers (a null pointer between them), the status; 0.0.0.0 is the server that answered."""
    found = read(mapped(little_endian, ndr64))
    assert found.complete
    assert (found.operation, found.asked, found.asked_protocol) == ("ept_map", tuple(LSARPC), "ncacn_ip_tcp")
    assert (found.asked_object, found.more, found.status) == (OBJECT, False, 0)
    assert [(entry.address, entry.port) for entry in found.entries] == [("0.0.0.0", 49664), ("192.0.2.7", 49667)]
    assert list(found.endpoints()) == [
        NamedEndpoint("ncacn_ip_tcp", None, 49664, None, interface=tuple(LSARPC)),
        NamedEndpoint("ncacn_ip_tcp", "192.0.2.7", 49667, None, interface=tuple(LSARPC)),
    ]


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_lookup(little_endian: bool, ndr64: bool) -> None:
    """An object that the kind of inquiry does not mean is not asked for; entries have object and annotation."""
    found = read(looked_up(little_endian, ndr64))
    assert found.complete
    assert (found.operation, found.asked, found.asked_object) == ("ept_lookup", tuple(LSARPC), None)
    assert (found.more, found.status) == (True, 0)
    assert [(e.object_uuid, e.annotation, e.pipe, e.port) for e in found.entries] == [
        (None, "LSA", "\\PIPE\\lsass", None),
        (OBJECT, None, None, 49668),
    ]
    assert [(e.address, e.pipe) for e in found.endpoints()] == [("DC1", "\\pipe\\lsass"), (None, None)]


@pytest.mark.parametrize(("inquiry", "asked", "asked_object"), [(0, 0, 0), (1, 1, 0), (2, 0, 1), (3, 1, 1)])
def test_what_an_inquiry_means(inquiry: int, asked: bool, asked_object: bool) -> None:
    """C706 Appendix O: all, by interface, by object, by both."""
    found = read(stub(ENDPOINT_MAPPER_UUID, EPT_LOOKUP, build.lookup_request(Ndr(), inquiry, OBJECT, LSARPC)))
    assert (found.asked is not None, found.asked_object is not None) == (asked, asked_object)
    assert (found.more, found.status, found.entries) == (None, None, ())


def test_not_registered() -> None:
    response = build.map_response(Ndr(), [], status=NOT_REGISTERED)
    found = read(stub(ENDPOINT_MAPPER_UUID, EPT_MAP, build.map_request(Ndr(), None), response))
    assert (found.complete, found.asked, found.entries, found.status) == (True, None, (), NOT_REGISTERED)


def test_a_tower_that_does_not_read_leaves_the_others() -> None:
    towers = [b"\x01\x00\x00\x00\x00\x00", build.tcp_tower(ICLASSFACTORY, 50000)]
    found = read(stub(ENDPOINT_MAPPER_UUID, EPT_MAP, None, build.map_response(Ndr(), towers)))
    assert [entry.port for entry in found.entries] == [50000]
    assert found.problem is not None
    assert found.problem.layer == "epm.tower"


def test_a_cut_leaves_what_stood_before_it() -> None:
    """And no status, which stands at the end."""
    call = mapped(True, False)
    assert call.response is not None
    found = read(call._replace(response=call.response[:-10], cut=True))
    assert [entry.port for entry in found.entries] == [49664]
    assert (found.status, found.complete) == (None, False)


def test_more_entries_than_may_be() -> None:
    response = Ndr().raw(build.NO_HANDLE).u32(501).u32(501).u32(0).u32(MAXIMUM_ENTRIES + 1).raw(bytes(4 * 600)).done()
    problem = read(stub(ENDPOINT_MAPPER_UUID, EPT_MAP, None, response)).problem
    assert problem is not None
    assert str(MAXIMUM_ENTRIES) in str(problem)


def test_other_operations_name_no_endpoint() -> None:
    assert epm.read(stub(ENDPOINT_MAPPER_UUID, 4, build.HANDLE, bytes(24))) is None


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_damage(little_endian: bool, ndr64: bool) -> None:
    survives(epm.read, mapped(little_endian, ndr64))
    survives(epm.read, looked_up(little_endian, ndr64))


# Against tshark

CAPTURES = [
    *captures_in(SHARED / "lab"),
    *captures_in(SHARED / "public"),
    *captures_in(SHARED / "netmon"),
]
# tshark reads the towers' version numbers as big endian, which they are not (C706 Appendix I).
WORD = {f"{number}": f"{(number & 0xFF) << 8 | number >> 8}" for number in range(0x10000)}


def tshark_entries(path: Path) -> Counter[tuple[str, ...]]:
    """Of each response: frame, then its towers' UUIDs, versions, ports, addresses, pipes and names, and the status."""
    names = (
        "frame.number", "epm.uuid", "epm.uuid_version", "epm.ver_min", "epm.proto.tcp_port", "epm.proto.udp_port",
        "epm.proto.http_port", "epm.proto.ip", "epm.proto.named_pipe", "epm.proto.netbios_name", "epm.rc",
    )  # fmt: skip
    rows = fields(path, "epm && dcerpc.pkt_type == 2 && tcp && !smb && !smb2 && epm.opnum in {2, 3}", *names)
    return Counter(
        (row[0], row[1], *(",".join(WORD[word] for word in cell.split(",") if word) for cell in row[2:4]), *row[4:])
        for row in rows
    )


def our_entries(path: Path) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for captured in stubs(path):
        answer = epm.read(captured.stub) if captured.stub.uuid == ENDPOINT_MAPPER_UUID else None
        if answer is None or answer.status is None:
            continue
        assert answer.complete, answer
        syntaxes = [s for e in answer.entries for s in (e.interface, e.transfer_syntax) if s is not None]

        def joined(values: list[object]) -> str:
            return ",".join(str(value) for value in values if value is not None)

        ports: dict[str, list[object]] = {"ncacn_ip_tcp": [], "ncadg_ip_udp": [], "ncacn_http": []}
        for entry in answer.entries:
            if entry.protocol in ports:
                ports[entry.protocol].append(entry.port)
        addresses = [e.address for e in answer.entries if e.protocol in ports]
        names = [e.address for e in answer.entries if e.protocol == "ncacn_np"]
        row = (
            str(captured.response_frame),
            joined([s.uuid for s in syntaxes]),
            joined([s.version for s in syntaxes]),
            joined([s.version_minor for s in syntaxes]),
            *map(joined, ports.values()),
            joined(addresses),
            joined([e.pipe for e in answer.entries]),
            joined(names),
            f"0x{answer.status:08x}",
        )
        found[row] += 1
    return found


@needs_shared
@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_against_tshark(path: Path) -> None:
    """Every ept_map answer over TCP: UUIDs, versions, ports, addresses, status."""
    assert our_entries(path) == tshark_entries(path)
