"""Our reading against tshark's on every recorded capture; each known difference stands here with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_samples import article
from shared_captures import OWN, SHARED, captures_in, name_of, needs_shared

from rpctrace import verification
from rpctrace.tshark import Shown, find_tshark
from rpctrace.verification import verify

needs_tshark = pytest.mark.skipif(find_tshark() is None, reason="tshark is not installed")

_LEVEL = "tshark reads tokens only at the levels none, connect, integrity and privacy; ours stands at another level"
_VERSION = "tshark shows a bind with a wrong RPC version as plain TCP payload, we show it as the bind_nak's bind"
_CUT = "tshark shows nothing of a PDU that the snapshot length cut; we read its header, interfaces or ticket"
_OFFLOAD = "IPv6 payload length 0 (segmentation offload): tshark 4.0 gives the frame up, we use its own length"
_LATE = "joined late: tshark takes other protocols' heuristics, or does not recognise RPC without a bind"
_UNFINISHED = "the rest of a PDU never came; tshark waits for it, we tell its header"
# capture: (number of differences, why tshark reads it otherwise)
KNOWN = {
    "lab/b3-bindnak/nak-version-minor.pcap": (1, _VERSION),
    "lab/c-rawprotocol/test_spnego_7_bind.pcap": (1, _LEVEL),
    "lab/c-rawprotocol/test_spnego_call_bind.pcap": (1, _LEVEL),
    "lab/c-rawprotocol/test_spnego_hdr_signing_packet.pcap": (1, _LEVEL),
    "lab/c-rawprotocol/test_spnego_packet_bind_none.pcap": (1, _LEVEL),
    "lab/c-rawprotocol/test_spnego_signing_packet.pcap": (1, _LEVEL),
    "lab/f-capture-variants/mixed-small-snaplen.pcapng": (191, _CUT),
    "netmon/MS-RMSOD_Example2_Win2016_X64_Win10_X64_Domain_v-yvrich.cap": (5, _OFFLOAD),
    "netmon/MS-WMOD_Example4_WS2016_X64_Win10_X64_Domain_Hagala.cap": (5, _OFFLOAD),
    "public/LM_WMI_ProcessCallCreate.pcapng": (1, _LEVEL),
    "public/LM_dcom_mmc20.application_dcerpc.pcapng": (70, _LATE),
    "public/mapi.pcap": (10, _LATE),
    "u2u/u2u-fault-721-snap128.pcap": (1, _CUT),
    # The same among our own samples; tshark reads no NegTokenResp whose NegTokenInit it has not seen.
    "lab/alter-missing-auth-level.pcap": (1, _LEVEL),
    "built/http.pcap": (5, "tshark reads no PDU inside the channels of RPC over HTTP"),
    "causes/mtu-blackhole.pcap": (1, _UNFINISHED),
    "lab/nak-version.pcap": (1, _VERSION),
    "lab/snaplen-200.pcap": (2, _CUT),
    "remote-assistance/expert-midstream.pcapng": (1, _LATE),
    "remote-assistance/expert-snaplen-384.pcapng": (3, _CUT),
}
FOLDERS = ("lab", "u2u", "netmon", "public")
# Ours hold copies of some of the others; once is enough.
CAPTURES = list(
    {
        path.read_bytes(): path
        for path in [path for folder in FOLDERS for path in captures_in(SHARED / folder)] + captures_in(OWN)
    }.values()
)


@needs_tshark
@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_every_recorded_capture(path: Path) -> None:
    """Frame, type and call id of each PDU, statuses, interfaces, realm and service; and tshark never sees more."""
    found = verify(path)
    number, _ = KNOWN.get(name_of(path), (0, ""))
    assert len(found.differences) == number, "\n".join(map(str, found.differences))
    assert all("none" in (difference.theirs, "none") for difference in found.differences)
    assert all(difference.ours not in ("without", "none") for difference in found.differences)


@needs_shared
def test_the_list_of_known_differences_names_captures() -> None:
    """No line for a capture that is gone."""
    assert set(KNOWN) <= {name_of(path) for path in CAPTURES}


@needs_tshark
@pytest.mark.parametrize("through", ["tshark", "pyshark"])
def test_it_says_what_was_asked(through: verification.Through, tmp_path: Path) -> None:
    """Both ways agree on the article's exchange."""
    found = verify(article(tmp_path), through)
    assert (found.our_pdus, found.their_pdus, found.differences) == (4, 4, ())
    assert found.through.startswith("tshark ")
    assert ("pyshark" in found.through) == (through == "pyshark")


def test_every_kind_of_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that lies in each compared value is caught in each."""
    told = {
        4: {"dcerpc.pkt_type": ("11",), "dcerpc.cn_call_id": ("3",)},
        6: {
            "dcerpc.pkt_type": ("14",), "dcerpc.cn_call_id": ("2",), "dcerpc.cn_bind_to_uuid": ("x",),
            "kerberos.msg_type": ("14",), "kerberos.realm": ("R",), "kerberos.SNameString": ("host", "x"),
        },
        7: {"dcerpc.pkt_type": ("3",), "dcerpc.cn_call_id": ("2",), "dcerpc.cn_status": ("0x00000005",)},
        9: {"dcerpc.pkt_type": ("0",), "dcerpc.cn_call_id": ("7",)},
    }  # fmt: skip
    empty: dict[str, tuple[str, ...]] = dict.fromkeys(verification.FIELDS, ())
    frames = {number: {**empty, **fields} for number, fields in told.items()}
    monkeypatch.setitem(verification._ASKERS, "tshark", lambda *_: Shown(frames, None))
    monkeypatch.setattr(verification, "find_tshark", lambda: None)
    said = [str(difference) for difference in verify(article(tmp_path)).differences]
    assert said == [
        "frame 4: bind with call id 2: ours 1 more, tshark's without",
        "frame 4: bind with call id 3: ours without, tshark's 1 more",
        "frame 4: interfaces: ours 00000001-0000-0000-c000-000000000046, tshark's none",
        "frame 5: bind_ack with call id 2: ours 1 more, tshark's without",
        "frame 6: interfaces: ours 00000001-0000-0000-c000-000000000046, tshark's x",
        "frame 6: ticket: ours novice@child.domainA.COM, tshark's host/x@R",
        "frame 7: fault status: ours 0x00000721, tshark's 0x00000005",
        "frame 9: request with call id 7: ours without, tshark's 1 more",
    ]
