"""Corpora: the same in every run, right to the last checksum, and what was planted is there and is found."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from builders import dcerpc
from builders.network import internet_checksum
from tshark_reading import tshark

import rpctrace
from benchmarks import figures, make_corpus, recorded
from benchmarks.make_corpus import PROFILES, make, octets_of, truth_path
from benchmarks.parts import MOST_COPIES, other_client
from benchmarks.planted import QUIRKS, VARIANTS
from benchmarks.wire import CLIENT, SERVER

OCTETS, PART_OCTETS = 500_000, 250_000
VLAN_TAG = b"\x81\x00"
IN_ORDER = ("-o", "tcp.reassemble_out_of_order:TRUE")


def written(path: Path, profile: str) -> dict[str, Any]:
    """A corpus of two parts; what its truth file says."""
    form = path.suffix.removeprefix(".")
    facts = make(profile, path, OCTETS, form=form, part_octets=PART_OCTETS)
    assert json.loads(truth_path(path).read_text(encoding="utf-8")) == facts
    return facts


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    path = tmp_path_factory.mktemp("corpus") / "dense.pcap"
    return path, written(path, "dense")


def frames(path: Path) -> list[bytes]:
    return list(recorded.frames(path.read_bytes()))


def network_layer(frame: bytes) -> bytes:
    at = 18 if frame[12:14] == VLAN_TAG else 14
    size = int.from_bytes(frame[at + 2 : at + 4], "big") if frame[at] >> 4 == 4 else 0
    return frame[at : at + (size or 40 + int.from_bytes(frame[at + 4 : at + 6], "big"))]


def test_the_same_arguments_give_the_same_octets(tmp_path: Path) -> None:
    """And another seed gives others."""
    first, again, other = (tmp_path / name for name in ("first.pcap", "again.pcap", "other.pcap"))
    assert make("mixed", first, OCTETS) == make("mixed", again, OCTETS)
    make("mixed", other, OCTETS, seed=2)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_corpus_has_its_size_and_says_how_many_packets_there_are(profile: str, tmp_path: Path) -> None:
    """Planted calls in all but one profile, every variant in each part."""
    path = tmp_path / "corpus.pcap"
    facts = written(path, profile)
    assert facts["packets"] == len(frames(path))
    assert facts["octets"] == path.stat().st_size >= OCTETS
    assert (facts["parts"], len(facts["planted"])) == (2, 0 if profile == "noise" else 2 * len(VARIANTS))


def test_every_checksum_is_right(dense: tuple[Path, dict[str, Any]]) -> None:
    """Also in the copy, in which they were not computed again; and times never go back."""
    for frame in frames(dense[0]):
        packet = network_layer(frame)
        if packet[0] >> 4 == 4:
            assert internet_checksum(packet[:20]) == 0
            addresses, protocol, transport = packet[12:20], packet[9], packet[20:]
        else:
            addresses, protocol, transport = packet[8:40], packet[6], packet[40:]
        pseudo_header = addresses + len(transport).to_bytes(4, "big") + protocol.to_bytes(4, "big")
        assert internet_checksum(pseudo_header + transport) == 0


@cache
def _failed(path: Path) -> list[dict[str, Any]]:
    return [asdict(call) for call in rpctrace.analyze(path).calls if call.failed]


def test_all_that_was_planted_is_found(dense: tuple[Path, dict[str, Any]]) -> None:
    """With the frames, realm and name that the truth says, in both parts; nothing else fails with that status."""
    path, facts = dense
    assert figures.recall(facts["planted"], _failed(path)).missed == []
    assert sum(call["status"] == 0x721 for call in _failed(path)) == len(facts["planted"])
    assert {truth["quirk"] for truth in facts["planted"]} == set(QUIRKS)
    addresses = [call["client"]["address"] for call in _failed(path) if call["status"] == 0x721]
    assert sorted(addresses) == sorted(truth["client"] for truth in facts["planted"])


def test_tshark_reads_what_was_planted(dense: tuple[Path, dict[str, Any]]) -> None:
    """A second opinion on the truth, and that no PDU of the corpus is malformed."""
    path, facts = dense
    names = ("frame.number", "dcerpc.pkt_type", "dcerpc.cn_status", "kerberos.realm", "dcerpc.cn_call_id")
    wanted = [argument for name in names for argument in ("-e", name)]
    lines = tshark(path, *IN_ORDER, "-Y", "dcerpc", "-T", "fields", *wanted)
    rows = {int(line.split("\t")[0]): line.split("\t")[1:] for line in lines}
    for truth in facts["planted"]:
        _, _, realm, call_ids = rows[truth["request_frame"]]
        assert truth["realm"] in realm.split(",")
        assert str(truth["call_id"]) in call_ids.split(",")
        types, status, _, call_ids = rows[truth["fault_frame"]]
        assert types.split(",")[-1] == "3"
        assert int(status.split(",")[-1], 0) == 0x721
        assert call_ids.split(",")[-1] == str(truth["call_id"])
    assert tshark(path, *IN_ORDER, "-Y", "_ws.malformed && (dcerpc || kerberos)") == []


def test_both_formats_hold_the_same_calls(dense: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """pcapng records are longer, so that a part ends earlier: recall is what is compared."""
    path = tmp_path / "dense.pcapng"
    facts = written(path, "dense")
    report = rpctrace.analyze(path)
    assert report.captures[0].format == "pcapng"
    assert report.captures[0].complete
    assert report.captures[0].frames == facts["packets"]
    assert figures.recall(facts["planted"], _failed(path)).missed == []
    assert dense[1]["planted"][0]["sname"] == facts["planted"][0]["sname"]


def test_times_never_go_back(dense: tuple[Path, dict[str, Any]]) -> None:
    """In a part, and from one part to the next."""
    octets = dense[0].read_bytes()
    times, at = [], 24
    while at < len(octets):
        seconds, microseconds, size = (int.from_bytes(octets[at + 4 * n : at + 4 * n + 4], "little") for n in range(3))
        times.append(seconds * 1_000_000 + microseconds)
        at += 16 + size
    assert all(earlier <= later for earlier, later in pairwise(times))
    middle = len(times) // 2
    assert times[middle - 1] < times[middle]
    assert [later - times[0] for later in times[:middle]] == [later - times[middle] for later in times[middle:]]


def test_another_client_leaves_every_sum_as_it_is() -> None:
    """Of the halves of the address, in any copy; and no two clients become one."""
    clients = [bytes((10, 0, 1, 0)), bytes((10, 0, 1, 1)), bytes((10, 0, 2, 0)), bytes((10, 0, 9, 255))]
    others = {client: {other_client(client, copy) for copy in range(MOST_COPIES)} for client in clients}
    for client in clients:
        assert {internet_checksum(other) for other in others[client]} == {internet_checksum(client)}
    assert len(set.union(*others.values())) == len(clients) * MOST_COPIES


def test_what_is_asked_for_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes with units; more parts than there are clients for is a usage error, and nothing is written."""
    assert [octets_of(text) for text in ("10G", "1.5M", "20k", "77")] == [10_000_000_000, 1_500_000, 20_000, 77]
    with pytest.raises(SystemExit):
        make_corpus.main(["mixed", str(tmp_path / "c.pcap"), "--size", "300M", "--part", "1M"])
    assert "make --part larger" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_recorded_conversations_are_whole() -> None:
    """Each class has some; those of RPC begin with a client's bind, which the server answers."""
    for kind in ("rpc", "kerberos", "pipe"):
        assert recorded.of_kind(kind), kind
    for conversation in recorded.of_kind("rpc"):
        side, said = conversation.talk[0]
        assert (side, said[2]) == (CLIENT, dcerpc.PduType.BIND)
        answer = next(octets for side, octets in conversation.talk if side == SERVER)
        assert answer[2] in (dcerpc.PduType.BIND_ACK, dcerpc.PduType.BIND_NAK)
