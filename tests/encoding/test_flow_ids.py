"""Flow ids: published examples of the Community ID, tshark's own, and uids that hang on what was seen alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tshark_reading import tshark

from rpctrace.analysis import analyze
from rpctrace.encoding.flow_ids import community_id, uid

CAPTURES = Path(__file__).parents[2] / "captures"
ONE, OTHER = ("1.2.3.4", 1122), ("5.6.7.8", 3344)


@pytest.mark.parametrize(
    ("protocol", "said"),
    [(6, "1:wCb3OG7yAFWelaUydu0D+125CLM="), (17, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg=")],
)
def test_the_published_examples(protocol: int, said: str) -> None:
    """Those of the specification's implementations; both directions are one flow."""
    assert community_id(protocol, ONE, OTHER) == said
    assert community_id(protocol, OTHER, ONE) == said


def test_equal_addresses_are_ordered_by_port() -> None:
    low, high = ("10.0.0.1", 80), ("10.0.0.1", 1234)
    assert community_id(6, low, high) == community_id(6, high, low) != community_id(6, ("10.0.0.1", 81), high)


def test_what_is_no_pair_of_addresses_has_none() -> None:
    assert community_id(6, ("nobody", 1), OTHER) is None
    assert community_id(6, ("::1", 1), OTHER) is None


@pytest.mark.parametrize(
    "name", ["remote-assistance/expert.pcapng", "remote-assistance/expert-ipv6.pcapng", "built/datagrams.pcap"]
)
def test_tshark_computes_the_same(name: str) -> None:
    """Over TCP, IPv6 and UDP: each stream's id is among those that Wireshark gives the frames of RPC."""
    arguments = ("--enable-protocol", "communityid", "-Y", "dcerpc", "-T", "fields", "-e", "communityid")
    theirs = set(tshark(CAPTURES / name, *arguments))
    ours = {stream.community_id for stream in analyze(CAPTURES / name).streams}
    assert ours
    assert ours <= theirs


def test_a_uid_has_zeek_s_form_and_hangs_on_each_part() -> None:
    first = uid(6, ONE, OTHER, 7)
    assert re.fullmatch("C[0-9A-Za-z]{17}", first)
    assert first == uid(6, ONE, OTHER, 7)
    others = {uid(17, ONE, OTHER, 7), uid(6, OTHER, ONE, 7), uid(6, ONE, OTHER, None), uid(6, ONE, OTHER, 7, "pipe")}
    assert len(others | {first}) == 5


def test_streams_of_a_capture_have_uids_of_their_own() -> None:
    """Also two pipes of one connection, which share its Community ID."""
    streams = analyze(CAPTURES / "lab/xforest-rpcclient-np-smb21-sign.pcap").streams
    assert len({stream.uid for stream in streams}) == len(streams) > 1
    assert len({stream.community_id for stream in streams}) < len(streams)
