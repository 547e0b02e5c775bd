"""captures/INDEX.toml, the files and the analysis agree, the maker makes the made ones, tshark reads what they show."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from carrier_readings import CARRIERS
from netlogon_lines import EXAMPLES
from tshark_reading import fields, tshark

from rpctrace.analysis import Options, analyze
from rpctrace.diagnosis.registry import RULES

FOLDER = Path(__file__).parents[1] / "captures"
SUFFIXES = {".pcap", ".pcapng", ".cap"}
OTHER_SUFFIXES = {".log", ".keytab", ".json"}
# A checkout stays small; the scenario as three computers saw it, and a capture of each cause, took it over two million.
MAXIMUM_TOTAL_OCTETS = 3_000_000
REQUIRED_KEYS = {"path", "origin", "licence", "sha256", "shows"}
ASSERTED_KEYS = {"must", "must_not", "with", "logs"}
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
    return [*index()["capture"], *index()["log"], *index()["keys"]]


def test_the_index_names_every_file_once() -> None:
    """Both ways: no capture without an entry, no entry without a capture, none twice."""
    listed = [entry["path"] for entry in entries()]
    suffixes = SUFFIXES | OTHER_SUFFIXES
    there = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix in suffixes]
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
        assert set(entry) - ASSERTED_KEYS - {"findings"} == REQUIRED_KEYS, entry["path"]
        assert entry["licence"] == "MIT, this project"
        assert entry["origin"].startswith(("recorded: ", "built by make_samples.py: ")), entry["path"]
        assert entry["shows"].endswith("."), entry["path"]
    rules = {rule.name for rule in RULES}
    assert all(rules.issuperset(entry["findings"]) for entry in index()["capture"])
    assert sum((FOLDER / entry["path"]).stat().st_size for entry in entries()) < MAXIMUM_TOTAL_OCTETS


def test_what_must_be_found_is_well_formed() -> None:
    """`must` and `must_not` name rules, none in both; `with` names captures and `logs` logs of the same folder. They
    are said of every capture and log of the scenario."""
    captures, logs = ({entry["path"] for entry in index()[kind]} for kind in ("capture", "log"))
    for entry in entries():
        folder = entry["path"].rpartition("/")[0]
        scenario = entry in index()["capture"] + index()["log"] and folder == ASSISTANCE.name
        assert {"must", "must_not"} <= set(entry) or not scenario, entry["path"]
        must, must_not = set(entry.get("must", ())), set(entry.get("must_not", ()))
        assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in must | must_not), entry["path"]
        assert not must & must_not, entry["path"]
        assert {f"{folder}/{name}" for name in entry.get("with", ())} <= captures - {entry["path"]}, entry["path"]
        assert {f"{folder}/{name}" for name in entry.get("logs", ())} <= logs, entry["path"]


@cache
def asserted() -> dict[str, tuple[list[Path], list[Path], dict[str, Any]]]:
    """Each entry with `must`: the captures and logs that are read together."""
    made = {}
    for kind in ("capture", "log"):
        for entry in index()[kind]:
            if "must" in entry:
                path = FOLDER / entry["path"]
                beside = [path.parent / name for name in entry.get("with", ())]
                logs = [path.parent / name for name in entry.get("logs", ())]
                own = ([path, *beside], logs) if kind == "capture" else (beside, [path, *logs])
                made[entry["path"]] = (*own, entry)
    return made


@pytest.mark.parametrize("name", sorted(asserted()))
def test_the_scenario_gives_what_it_must_and_not_what_it_must_not(name: str) -> None:
    """A finding above note for each cause that is there; of one that is not, no more than a weighed hypothesis."""
    captures, logs, entry = asserted()[name]
    findings = analyze(captures, netlogon=logs).findings
    above = {finding.rule for finding in findings if finding.severity != "note"}
    assert above >= set(entry["must"])
    assert not above & set(entry["must_not"])


def test_the_articles_two_frames_and_two_lines(tmp_path: Path) -> None:
    """Its lines name two domains, and the second runs two texts together; its capture knows no name of the server."""
    entered, returns = (example[0] for example in EXAMPLES[:2])
    log = tmp_path / "netlogon.log"
    log.write_text(f"{entered}\n{returns}0xc0000064 = STATUS_NO_SUCH_USER\n", encoding="utf-8")
    finding, *_ = analyze(ASSISTANCE / "expert-midstream.pcapng", netlogon=[log]).findings
    assert (finding.rule, finding.severity) == ("pac-xforest-u2u", "high")
    assert 0.85 <= finding.confidence < 0.97
    assert [item.log_line.line for item in finding.evidence if item.log_line is not None] == [2]
    assert "does not trust child.domainA.COM directly" in finding.summary


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
        frames = module.with_everyday(telling)
        numbers = conversation_numbers(frames)
        failing = [number for number, frame in enumerate(frames) if b"\x21\x07\0\0" in frame.octets[-40:]]
        assert [numbers[at] for at in failing] == [(117, 122, 125)]
        assert numbers[failing[0] - 1] == (117, 122, 125)


def test_the_analysis_finds_what_the_index_says() -> None:
    """In each capture the rules of its entry fire and no other: for failures, and not for what works."""
    for entry in index()["capture"]:
        found = {finding.rule for finding in analyze(FOLDER / entry["path"]).findings}
        assert found == set(entry["findings"]), entry["path"]


@pytest.mark.parametrize("name", ["expert.pcapng", "expert.cap"])
def test_the_analysis_tells_the_article(name: str) -> None:
    """One failed call: alter_context, call id 2, fault 0x721, the user-to-user ticket, the article's conversations."""
    report = analyze(ASSISTANCE / name, Options(pdus=True))
    (call,) = (call for call in report.calls if call.failed)
    assert (call.kind, call.call_id, call.reply, call.outcome) == ("alter_context", 2, "fault", "faulted")
    assert (call.status, call.status_name) == (0x721, "RPC_S_SEC_PKG_ERROR")
    assert {interface.name for interface in call.interfaces} == {"IClassFactory"}
    assert call.fault is not None
    assert (call.fault.context_id, call.fault.cancel_count) == (0, 0)
    assert call.auth is not None
    assert (call.auth.auth_type, call.auth.level, call.auth.token) == (9, 6, "AP-REQ")
    ticket = call.ticket
    assert ticket is not None
    assert (ticket.realm, ticket.sname, ticket.name_type) == ("child.domainA.COM", ("novice",), 1)
    assert (ticket.etype, ticket.kvno) == (18, None)
    assert ticket.ap_options == ("use-session-key", "mutual-required")
    assert (ticket.user_to_user, ticket.presented_in) == (True, "alter_context")
    fault = next(line for line in report.pdus if line.frame == call.reply_frames[-1])
    assert fault.conversations == (("MSRPC", 125), ("TCP", 122), ("IPv4", 117))
    assert [(entry.kind, entry.reply) for entry in report.kerberos if entry.call == call.id] == [("AP", None)]


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
    assert [realm for realm, _ in told[-4:-1]] == ["CHILD.DOMAINA.COM", "DOMAINA.COM", "DOMAINB.COM"]
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


# What tshark shows of tickets and refusals, a row a frame: PDU type, call id, status or reason, ticket.
NOVICE = ("14", "2", "", "novice@child.domainA.COM")
ACTIVATION = ("11", "2", "", "RPCSS/resource-win73.domainb.com@DOMAINB.COM")
ACTIVATED = [ACTIVATION, ACTIVATION]  # on port 135, and on the port that was told there
HOST = ("11", "2", "", "host/resource-win73.domainb.com@DOMAINB.COM")
REFUSED = ("3", "2", "0x00000721", "")
DENIED = ("3", "2", "0x00000005", "")
READINGS: dict[str, list[tuple[str, str, str, str]]] = {
    "remote-assistance/expert.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert.cap": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-own-realm.pcapng": [*ACTIVATED, ("14", "2", "", "novice@DOMAINB.COM"), REFUSED],
    "remote-assistance/expert-answered.pcapng": [*ACTIVATED, NOVICE],
    "remote-assistance/expert-authtype16.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-ipv6.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-segmented.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-extended-error.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-kdc-error-7.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-no-kdc-error.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-cached.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/expert-enterprise-name.pcapng": [
        *ACTIVATED,
        ("14", "2", "", "novice@child.domainA.com@child.domainA.COM"),
        REFUSED,
    ],
    "remote-assistance/expert-ms-principal.pcapng": [
        *ACTIVATED,
        ("14", "2", "", r"CHILD\novice@child.domainA.COM"),
        REFUSED,
    ],
    "remote-assistance/expert-second-context.pcapng": [
        ACTIVATION,
        ("14", "3", "", "dcom/app1.domainb.com@DOMAINB.COM"),
        ("3", "3", "0x00000721", ""),
    ],
    "remote-assistance/expert-flags23.pcapng": [NOVICE, REFUSED],
    "remote-assistance/expert-access-denied.pcapng": [NOVICE, DENIED],
    # Without the first leg tshark does not know the mechanism, and of a cut frame it reads no token.
    "remote-assistance/expert-midstream.pcapng": [REFUSED],
    "remote-assistance/expert-snaplen-384.pcapng": [REFUSED],
    "remote-assistance/expert-client-side-only.pcapng": [NOVICE],
    "remote-assistance/expert-new-year.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/novice.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/novice-fixed.pcapng": [*ACTIVATED, NOVICE],
    "remote-assistance/novice-own-realm.pcapng": [*ACTIVATED, ("14", "2", "", "novice@DOMAINB.COM"), REFUSED],
    "remote-assistance/novice-no-logon-servers.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/novice-dc-silent.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/novice-no-dc.pcapng": [*ACTIVATED, NOVICE, REFUSED],
    "remote-assistance/dc.pcapng": [],
    "remote-assistance/dc-passed-on.pcapng": [],
    "built/bind-nak-extended-error.pcap": [
        ("11", "2", "", "dcom/app1.domainb.com@DOMAINB.COM"),
        ("13", "2", "9", ""),
    ],
    "built/kerberos-bind-accepted.pcap": [HOST],
    "built/third-leg-refused.pcap": [HOST, REFUSED],
    "built/second-context-refused.pcap": [
        HOST,
        ("14", "3", "", "dcom/app1.domainb.com@DOMAINB.COM"),
        ("3", "3", "0x00000721", ""),
    ],
    "built/clock-skew-in-bind-ack.pcap": [HOST, ("12", "2", "37", "host/resource-win73.domainb.com@DOMAINB.COM")],
    "built/ntlm-auth3-access-denied.pcap": [DENIED],
    "built/ntlm-auth3-sec-pkg-error.pcap": [REFUSED],
    "built/request-signature-refused.pcap": [HOST, ("3", "3", "0x00000721", "")],
    "built/several-pdus-in-a-segment.pcap": [("2,3,2", "2,3,4", "0x1c010002", "")],
    "built/big-endian.pcap": [NOVICE, REFUSED],
    "built/datagrams.pcap": [("3", "", "0x1c010002", "")],
    "built/two-interfaces.pcapng": [NOVICE, REFUSED],
    "built/pipe-smb1.pcap": [DENIED],
    "built/pipe-joined-late.pcap": [
        ("14", "3", "", "cifs/fs1.domainb.com@DOMAINB.COM"),
        ("3", "3", "0x00000721", ""),
    ],
    "built/pipe-encrypted.pcap": [],
    "built/http.pcap": [],  # see carrier_readings: tshark does not read the octets of the channels
    "built/port-refused.pcap": [],
    "built/not-registered.pcap": [],
    "built/activation.pcap": [
        ACTIVATION,
        HOST,
        ("14", "3", "", "dcom/app1.domainb.com@DOMAINB.COM"),
        ("3", "3", "0x00000721", ""),
    ],
    "built/ntlm-fallback.pcap": [],
    "built/ldap-bind-refused.pcap": [],
    "built/referral.pcap": [HOST],
    "built/referral-stops.pcap": [],
    "built/secure-channel.pcap": [],
}

# What the samples of refused tickets show: `NOVICE` in an alter_context, or a ticket for the host in a bind.
_OF_NOVICE = ("pac-no-dc", "pac-signature-bad", "pac-dc-shutdown")
READINGS |= {f"causes/{name}{near}.pcap": [NOVICE, REFUSED] for name in _OF_NOVICE for near in ("", "-not")}
READINGS |= {
    "causes/pac-hardening-2024.pcap": [NOVICE, ("3", "3", "0x000006f7", ""), REFUSED],
    "causes/pac-hardening-2024-not.pcap": [("3", "3", "0x00000005", "")],
    "causes/pac-hardening-2022.pcap": [],
    "causes/pac-hardening-2022-not.pcap": [],
    "causes/ap-modified.pcap": [HOST, ("12", "2", "41", HOST[3])],
    "causes/ap-modified-not.pcap": [HOST, ("14", "3", "", HOST[3]), ("3", "3", "0x00000721", "")],
    "causes/ticket-expired.pcap": [],
    "causes/ticket-expired-not.pcap": [],
    "causes/ap-replay.pcap": [HOST, ("12", "2", "34", HOST[3])],
    "causes/ap-replay-not.pcap": [HOST, HOST],
    "causes/handshake-incomplete.pcap": [HOST],
    "causes/handshake-incomplete-not.pcap": [HOST],
}
# Errors that travel outside DCE/RPC: frame, code, name.
ERRORS_BESIDE = {
    "causes/pac-hardening-2022.pcap": [("6", "41", "http,web1.domainb.com")],
    "causes/pac-hardening-2022-not.pcap": [("6", "41", "http,web1.domainb.com")],
    "causes/ticket-expired.pcap": [("7", "32", "cifs,fs1.domainb.com")],
    "causes/ticket-expired-not.pcap": [("7", "32", "cifs,fs1.domainb.com")],
}


@pytest.mark.parametrize("name", ERRORS_BESIDE)
def test_tshark_reads_errors_beside_the_calls(name: str) -> None:
    """Of KDCs and of session setups; nothing in these captures is malformed."""
    read = fields(FOLDER / name, "kerberos.error_code", "frame.number", "kerberos.error_code", "kerberos.SNameString")
    assert read == ERRORS_BESIDE[name]
    assert fields(FOLDER / name, "_ws.malformed", "frame.number") == []


def test_every_built_capture_has_its_reading() -> None:
    """No built capture is left out of the comparison with tshark; all of causes are compared below, some here too."""
    captures = {name for name in maker().SAMPLES if Path(name).suffix in SUFFIXES}
    assert set(READINGS) <= captures
    assert set(READINGS) >= {name for name in captures if not name.startswith("causes/")}


def causes() -> list[str]:
    return sorted(path.relative_to(FOLDER).as_posix() for path in (FOLDER / "causes").glob("*.pcap"))


@pytest.mark.parametrize("name", causes())
def test_tshark_reads_the_causes(name: str) -> None:
    """The errors of KDCs and the faults that we see are those that tshark sees, and nothing is malformed."""
    report = analyze(FOLDER / name)
    errors = [(each.reply_frame, str(each.error)) for each in report.kerberos if each.error is not None]
    faults = [(call.reply_frames[-1], "") for call in report.calls if call.reply == "fault"]
    # What is malformed would be a line more.
    wanted = "kerberos.error_code || dcerpc.pkt_type == 3 || _ws.malformed"
    assert fields(FOLDER / name, wanted, "frame.number", "kerberos.error_code") == [
        (str(frame), error) for frame, error in sorted(errors + faults)
    ]


@pytest.mark.parametrize("name", READINGS)
def test_tshark_reads_tickets_and_refusals(name: str) -> None:
    """Each built capture shows tshark its tickets and its refusal, and nothing in it is malformed."""
    wanted = "dcerpc && (dcerpc.pkt_type in {3, 13} || kerberos.ap_req_element || kerberos.error_code) || _ws.malformed"
    shown = (
        "dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.cn_status", "dcerpc.dg_status", "dcerpc.cn_reject_reason",
        "kerberos.error_code", "kerberos.SNameString", "kerberos.realm", "_ws.malformed",
    )  # fmt: skip
    columns = [argument for field in shown for argument in ("-e", field)]
    # tshark waits for what a snapshot length has cut when it puts segments in order, so only where they are not.
    in_order = ("-o", f"tcp.reassemble_out_of_order:{'segmented' in name}")
    read = []
    for line in tshark(FOLDER / name, *in_order, "-Y", wanted, "-T", "fields", *columns):
        kind, call_id, *said, sname, realm, malformed = line.split("\t")
        assert malformed == ""
        read.append((kind, call_id, "".join(said), f"{sname.replace(',', '/')}@{realm}" if sname else ""))
    assert read == READINGS[name]


@pytest.mark.parametrize("name", CARRIERS)
def test_tshark_reads_what_carries_the_calls(name: str) -> None:
    """Each capture of a carrier shows tshark what its entry says; nothing in it is malformed or left undissected."""
    capture = FOLDER / "built" / f"{name}.pcap"
    for wanted, names, expected in CARRIERS[name]:
        assert fields(capture, wanted, *names) == expected, wanted
    assert fields(capture, "_ws.malformed || dcerpc.long_frame", "frame.number") == []


def test_the_channels_carry_dcerpc() -> None:
    """Behind the HTTP of either channel stand PDUs: RTS, bind, bind_ack, auth3, request, fault."""
    kinds = ("14", "14", "14", "0b", "0c", "10", "00", "03")
    octets = fields(FOLDER / "built" / "http.pcap", "data", "data.data")
    assert [row[0][:6] for row in octets] == [f"0500{kind}" for kind in kinds]
