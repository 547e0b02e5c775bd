"""captures/INDEX.toml and the files agree, the maker makes the made ones, and tshark reads in them what they show."""

from __future__ import annotations

import hashlib
import importlib.util
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from builders import merged
from tshark_reading import fields

FOLDER = Path(__file__).parents[1] / "captures"
SUFFIXES = {".pcap", ".pcapng", ".cap"}
MAXIMUM_TOTAL_OCTETS = 1_500_000
ASSISTANCE = FOLDER / "remote-assistance"


@cache
def maker() -> ModuleType:
    """captures/make_samples.py as a module; it puts its own folder on the path, as when it is run."""
    specification = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@cache
def index() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((FOLDER / "INDEX.toml").read_text(encoding="utf-8"))


def entries() -> list[dict[str, Any]]:
    return [*index()["capture"], *index()["log"]]


def test_the_index_names_every_file_once() -> None:
    """Both ways: no capture without an entry, no entry without a capture, none twice."""
    listed = [entry["path"] for entry in entries()]
    there = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in {*SUFFIXES, ".log"}]
    assert sorted(listed) == sorted(there)
    assert len(set(listed)) == len(listed)
    assert len(index()["capture"]) >= 24


def test_the_sums_hold() -> None:
    """Each file has the SHA-256 that its entry says."""
    for entry in entries():
        assert hashlib.sha256((FOLDER / entry["path"]).read_bytes()).hexdigest() == entry["sha256"], entry["path"]


def test_every_entry_says_what_it_must() -> None:
    """Origin, licence and one sentence of what it shows; findings as a list; all of it small enough for a checkout."""
    for entry in entries():
        assert set(entry) >= {"path", "origin", "licence", "sha256", "shows"}, entry["path"]
        assert entry["licence"] == "MIT, this project"
        assert entry["origin"].startswith(("recorded: ", "built by make_samples.py: ")), entry["path"]
        assert entry["shows"].endswith("."), entry["path"]
    assert all(isinstance(entry["findings"], list) for entry in index()["capture"])
    assert sum((FOLDER / entry["path"]).stat().st_size for entry in entries()) < MAXIMUM_TOTAL_OCTETS


def test_the_maker_makes_the_committed_files() -> None:
    """Same octets in every run, and exactly the files whose origin says so."""
    samples = maker().SAMPLES
    assert {entry["path"] for entry in entries() if entry["origin"].startswith("built by")} == set(samples)
    for name, make in samples.items():
        assert make() == (FOLDER / name).read_bytes(), f"{name}: run python captures/make_samples.py"


def test_the_article_gets_its_conversation_numbers() -> None:
    """Network Monitor's numbers of the support article, IPv4:117 TCP:122 MSRPC:125, on the AP-REQ and on the fault."""
    module = maker()
    from making.conversation_numbers import conversation_numbers

    for telling in (module.ARTICLE, module.OWN_REALM):
        frames = merged(module.everyday(), module.whole_story(telling))
        numbers = conversation_numbers(frames)
        failing = [number for number, frame in enumerate(frames) if b"\x21\x07\0\0" in frame.octets[-40:]]
        assert [numbers[at] for at in failing] == [(117, 122, 125)]
        assert numbers[failing[0] - 1] == (117, 122, 125)


@pytest.mark.parametrize("name", ["expert.pcapng", "expert.cap"])
def test_tshark_reads_the_article(name: str) -> None:
    """Bind, bind_ack, TGS exchange, alter_context and fault on call id 2, FIN; names as the article spells them."""
    capture = ASSISTANCE / name
    failing = fields(
        capture, "tcp.port == 49834 && (dcerpc || tcp.flags.fin == 1)",
        "dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.auth_type", "dcerpc.auth_level", "dcerpc.cn_status",
    )  # fmt: skip
    spnego_privacy = ("2", "9", "6", "")
    assert [row[0] for row in failing] == ["11", "12", "14", "3", "", ""]
    assert [row[1:] for row in failing[:3]] == [spnego_privacy] * 3
    assert failing[3] == ("3", "2", "", "", "0x00000721")
    presented = fields(
        capture, "dcerpc.pkt_type == 14 && kerberos.ap_req_element",
        "dcerpc.cn_bind_to_uuid", "kerberos.realm", "kerberos.SNameString", "kerberos.name_type", "kerberos.ap_options",
        "kerberos.etype", "kerberos.kvno",
    )  # fmt: skip
    factory = ",".join(["00000001-0000-0000-c000-000000000046"] * 3)
    assert presented == [(factory, "child.domainA.COM", "novice", "1", "60000000", "18,18", "")]
    asked = fields(capture, "kerberos.KDCOptions.enc.tkt.in.skey == 1", "kerberos.msg_type", "kerberos.SNameString")
    assert [row[0] for row in asked] == ["12,14"]
    told = fields(capture, "kerberos.msg_type == 13", "kerberos.realm", "kerberos.crealm")
    assert told[-1] == ("child.domainA.COM", "CHILD.DOMAINA.COM")
    assert fields(capture, "_ws.malformed || tcp.analysis.flags", "frame.number") == []


def test_tshark_reads_the_negative_twin() -> None:
    """The same fault; realm and ticket-granting ticket are of the server's own realm."""
    capture = ASSISTANCE / "expert-own-realm.pcapng"
    wanted = "dcerpc.pkt_type in {12, 14, 3} && tcp.port == 49834"
    told = fields(capture, wanted, "dcerpc.pkt_type", "dcerpc.cn_status", "kerberos.realm", "kerberos.SNameString")
    assert told == [
        ("12", "", "DOMAINB.COM", "krbtgt,DOMAINB.COM"),
        ("14", "", "DOMAINB.COM", "novice"),
        ("3", "0x00000721", "", ""),
    ]


# What tshark shows of the last refusal in each: PDU type, call id, fault status, reject reason.
REFUSALS = {
    "remote-assistance/expert-authtype16.pcapng": ("3", "2", "0x00000721", ""),
    "remote-assistance/expert-ipv6.pcapng": ("3", "2", "0x00000721", ""),
    "remote-assistance/expert-extended-error.pcapng": ("3", "2", "0x00000721", ""),
    "remote-assistance/expert-enterprise-name.pcapng": ("3", "2", "0x00000721", ""),
    "remote-assistance/expert-access-denied.pcapng": ("3", "2", "0x00000005", ""),
    "remote-assistance/novice.pcapng": ("3", "2", "0x00000721", ""),
    "built/bind-nak-extended-error.pcap": ("13", "2", "", "9"),
    "built/third-leg-refused.pcap": ("3", "2", "0x00000721", ""),
    "built/second-context-refused.pcap": ("3", "3", "0x00000721", ""),
    "built/ntlm-auth3-access-denied.pcap": ("3", "2", "0x00000005", ""),
    "built/ntlm-auth3-sec-pkg-error.pcap": ("3", "2", "0x00000721", ""),
    "built/request-signature-refused.pcap": ("3", "3", "0x00000721", ""),
    "built/several-pdus-in-a-segment.pcap": ("2,3,2", "2,3,4", "0x1c010002", ""),
    "built/big-endian.pcap": ("3", "2", "0x00000721", ""),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_tshark_reads_the_other_refusals(name: str) -> None:
    """Each built sample shows its refusal, and nothing in it is malformed."""
    wanted = "dcerpc.pkt_type in {3, 13} || _ws.malformed"
    rows = fields(
        FOLDER / name, wanted, "dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.cn_status", "dcerpc.cn_reject_reason",
        "_ws.malformed",
    )  # fmt: skip
    assert rows == [(*REFUSALS[name], "")]
