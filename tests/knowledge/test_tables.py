"""Proves: every table is sorted, unique and sourced; every code of the lab captures and every interface and operation
that tshark sees in any capture has its name; names agree with impacket's; what differs or has no name is listed here
with its reason.

`seen_by_tshark.csv` beside this file is tshark 4.0.17's reading of every capture that it can open in the shared lab,
public, netmon, u2u and formats folders (`tshark -r CAPTURE -Y "dcerpc or dcom" -T fields -E occurrence=a`): interface
and version of each bind, alter_context and connectionless PDU (dcerpc.cn_bind_to_uuid with its versions,
dcerpc.dg_if_id), operation of each request (dcerpc.opnum, its interface by dcerpc.cn_ctx_id of the same connection),
transfer syntaxes, towers of the endpoint mapper (epm.uuid), and the interfaces and classes inside activations and
object references (dcom.iid, dcom.clsid, isystemactivator.properties.*). `capture` is one that has it.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rpctrace.knowledge import tables

SHARED = Path(__file__).parents[2].parent / "shared"
LAB = SHARED / "captures" / "lab"
SEEN_BY_TSHARK = Path(__file__).with_name("seen_by_tshark.csv")

needs_lab = pytest.mark.skipif(not LAB.is_dir(), reason=f"no sample captures at {LAB}")

# Which columns make a row's key, and how they sort.
KEYS = {
    "status_codes.csv": lambda row: (int(row[0], 16), row[1]),
    "what_it_proves.csv": lambda row: (row[0], row[1]),
    "kerberos_errors.csv": lambda row: int(row[0]),
    "reject_reasons.csv": lambda row: (row[0], int(row[1])),
    "detection_locations.csv": lambda row: (row[0], int(row[1])),
    "security_providers.csv": lambda row: (row[0], _number_or_text(row)),
    "interfaces.csv": lambda row: (row[0], *map(int, row[1].split("."))),
    "operations.csv": lambda row: (row[0], int(row[1])),
    "documents.csv": lambda row: row[0],
    "hotfix_branches.csv": lambda row: tuple(map(int, row[0].split("."))),
    "hotfix_files.csv": lambda row: (row[0], row[1], row[2], row[3]),
}

# An interface sweep (imp-rpcmap) asks for every UUID of a public list; of these the list knows no name and no program.
SWEPT_WITHOUT_A_NAME = {
    "04fcb220-fcfd-11cd-bec8-00aa0047ae4e",
    "0a5a5830-58e0-11ce-a3cc-00aa00607271",
    "0da5a86c-12c2-4943-30ab-7f74a813d853",
    "21cd80a2-b305-4f37-9d4c-4534a8d9b568",
    "28607ff1-15a0-8e03-d670-b89eec8eb047",
    "359e47c9-682e-11d0-adec-00c04fc2a078",
    "386ffca4-22f5-4464-b660-be08692d7296",
    "3ba0ffc0-93fc-11d0-a4ec-00a0c9062910",
    "3f77b086-3a17-11d3-9166-00c04f688e28",
    "53e75790-d96b-11cd-ba18-08002b2dfead",
    "56c8504c-4408-40fd-93fc-afd30f10c90d",
    "5c89f409-09cc-101a-89f3-02608c4d2361",
    "6bffd098-0206-0936-4859-199201201157",
    "82980780-4b64-11cf-8809-00a004ff3128",
    "8d09b37c-9f3a-4ebb-b0a2-4dee7d6ceae9",
    "92bdb7e4-f28b-46a0-b551-45a52bdd5125",
    "93f5ac6f-1a94-4bc5-8d1b-fd44fc255089",
    "a3b749b1-e3d0-4967-a521-124055d1c37d",
    "a4c2fd60-5210-11d1-8fc2-00a024cb6019",
    "aae9ac90-ce13-11cf-919e-08002be23c64",
    "b7b31df9-d515-11d3-a11c-00105a1f515a",
    "ce1334a5-41dd-40ea-881d-64326b23effe",
    "d7f9e1c0-2247-11d1-ba89-00c04fd91268",
    "eb658b8a-7a64-4ddc-9b8d-a92610db0206",
    "eff55e30-4ee2-11ce-a3c9-00aa00607271",
}

WITHOUT_A_NAME = {
    # A maker of test traffic drew them at random: ten connectionless requests, operation 0, broadcast (udp.*).
    "153ef040-eac1-4f5a-90a0-83e4d3f9b7fa",
    "1eb94ad0-be43-4990-9462-fa6e4829c0a9",
    "353a0983-ee5e-4b89-a13e-8d3bb338f74b",
    "609cbe78-98e6-40c2-95f0-e82c377351df",
    "7ec1b4c4-914d-48b8-8d1b-68c166b6e463",
    "8f8ab437-0c52-4b49-a2ae-33aa20bc561f",
    "bacab84e-569d-4acd-bd97-8f9c56f37701",
    "c91394fc-9863-4ac5-9239-b2c7c27d4c0f",
    "da4be245-dd84-469c-9fad-dd0ca3ed92c0",
    "e96598c5-3f18-4a1e-8931-9e52b747adf8",
    # smbtorture asks Samba's endpoint mapper for everything in Samba's own interface files; nothing is bound to these.
    "07408340-ae31-11e1-97dc-539f7fddc06f",
    "12345778-1234-abcd-0001-000000030000",
    "a047c001-5f22-40b0-9d52-7042c43f711a",
    "bf09192c-ed60-4928-9dff-d0d7bcb03ed8",
    # A .NET client asks the console's object for it; no public list knows it.
    "b86a98cc-dcc0-3205-8777-7911a07daaaf",
}
# Operation numbers that no server has: tests of what a server answers to them.
BEYOND_THE_INTERFACE = {
    ("afa8bd80-7d8a-11c9-bef4-08002b102989", 111),
    ("afa8bd80-7d8a-11c9-bef4-08002b102989", 65535),
    ("e1af8308-5d1f-11c9-91a4-08002b14a0fa", 42),
}


def _number_or_text(row: list[str]) -> int | str:
    return row[1] if row[0] in ("oid", "gss_token_id") else int(row[1], 0)


@pytest.mark.parametrize("file_name", KEYS)
def test_rows_are_sorted_unique_and_sourced(file_name: str) -> None:
    rows = tables.read_rows(file_name)
    keys = [KEYS[file_name](row) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert len({len(row) for row in rows}) == 1
    assert [row for row in rows if not row[-1].strip()] == []
    assert [cell for row in rows for cell in row if cell != cell.strip() or "\n" in cell] == []


def test_every_table_of_the_package_is_tested() -> None:
    present = {path.name for path in Path(tables.__file__).parent.glob("*.csv")}
    assert present == set(KEYS)


def test_related_statuses_point_at_each_other() -> None:
    facts = [fact for facts in tables.statuses().values() for fact in facts]
    pairs = {(fact.value, other) for fact in facts for other in fact.related}
    assert pairs == {(other, value) for value, other in pairs}
    assert {value for pair in pairs for value in pair} <= {fact.value for fact in facts}
    assert [value for value, other in pairs if value == other] == []


def test_every_operation_and_every_proof_belongs_to_something_known() -> None:
    assert {uuid for uuid, _ in tables.operations()} <= set(tables.interfaces())
    for kind, value in tables.proofs():
        known = {
            "status": lambda text: tables.status(int(text, 16)),
            "kerberos": lambda text: tables.kerberos_error(int(text)),
            "interface": tables.interface,
            "oid": tables.oid_name,
        }.get(kind)
        if known is not None:
            assert known(value) is not None, (kind, value)
        else:
            table = tables.security_providers() if kind in ("auth_type", "name_type") else tables.reject_reasons()
            assert (kind, int(value)) in table, (kind, value)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (0x721, "RPC_S_SEC_PKG_ERROR"),
        (0x5, "ERROR_ACCESS_DENIED"),
        (0x1C010003, "nca_unk_if"),
        (0x1C00001B, "nca_s_fault_remote_no_memory"),
        (0x16C9A0D6, "ept_s_not_registered"),
        (0x80070005, "E_ACCESSDENIED"),
        (0xC0000022, "STATUS_ACCESS_DENIED"),
        (-1073741790, "STATUS_ACCESS_DENIED"),
        (0x80070721, "HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)"),
        (-2147023071, "HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)"),
        (0xD0000022, "HRESULT_FROM_NT(STATUS_ACCESS_DENIED)"),
        (0xC0020057, "RPC_NT_SEC_PKG_ERROR"),
        (0, "ERROR_SUCCESS"),
        (0x26, "ERROR_HANDLE_EOF"),  # impacket's
        (0x80070026, "HRESULT_FROM_WIN32(ERROR_HANDLE_EOF)"),  # impacket's, wrapped
        (0x25, None),
        (0x80070025, None),
        (0xC0DE1234, None),
        (1 << 40, None),
        (-(1 << 40), None),
    ],
)
def test_status_name(value: int, name: str | None) -> None:
    assert tables.status_name(value) == name


def test_status_facts() -> None:
    fact = tables.status(0x721)
    assert fact is not None
    assert (fact.family, fact.seen_in) == ("win32", "fault to alter_context or request")
    assert {alias.name for alias in fact.aliases} >= {"nca_s_fault_sec_pkg_error", "RPC_S_SEC_PACKAGE_ERROR"}
    assert 0xC0020057 in fact.related
    wrapped = tables.status(0x80070721)
    assert wrapped is not None
    assert (wrapped.family, wrapped.related, wrapped.meaning) == ("hresult", (0x721,), fact.meaning)
    assert tables.status(0x26) is None  # only our own rows are facts


def test_names_of_small_numbers() -> None:
    assert tables.ntstatus_name(0) == "STATUS_SUCCESS"
    assert tables.ntstatus_name(0xC0000064) == "STATUS_NO_SUCH_USER"
    assert tables.ntstatus_name(0xC0000008) == "STATUS_INVALID_HANDLE"
    assert tables.ntstatus_name(0x721) is None
    assert tables.kerberos_error_name(37) == "KRB_AP_ERR_SKEW"
    assert tables.kerberos_error_name(30) is None
    assert tables.reject_reason_name(8) == "authentication_type_not_recognized"
    assert tables.reject_reason_name(10) is None
    assert tables.result_name(3) == "negotiate_ack"
    assert tables.provider_reason_name(2) == "proposed_transfer_syntaxes_not_supported"
    assert tables.auth_type_name(9) == "RPC_C_AUTHN_GSS_NEGOTIATE"
    assert tables.auth_type_name(153) is None
    assert tables.auth_level_name(6) == "RPC_C_AUTHN_LEVEL_PKT_PRIVACY"
    assert tables.etype_name(18) == "aes256-cts-hmac-sha1-96"
    assert tables.name_type_name(-128) == "NT-MS-PRINCIPAL"
    assert tables.oid_name("1.2.840.113554.1.2.2.3") == "KRB5-USER2USER"
    assert tables.detection_location_name(131) == "VerifyOrUnseal20"
    assert tables.component_name(3) == "Security Provider"


def test_kerberos_numbers() -> None:
    assert tables.etype_name(-133) == tables.etype_name(0xFFFFFF7B) == "rc4-hmac-old"
    assert tables.etype_name(0xFFFFFF79) == "rc4-hmac-old-exp"
    assert tables.etype_name(0x1_0000_0012) is None
    assert tables.name_type_name(0xFFFFFF80) == "NT-MS-PRINCIPAL"
    assert tables.pa_data_name(2) == "PA-ENC-TIMESTAMP"
    assert tables.pa_data_name(161) == "KERB-KEY-LIST-REQ"
    assert tables.pa_data_name(4) is None
    assert tables.kdc_option_names(0x40810010) == ("renewable-ok", "canonicalize", "renewable", "forwardable")
    assert tables.kdc_option_names(0x80000000) == ()
    assert tables.kpasswd_result_name(4) == "KRB5_KPASSWD_SOFTERROR"


def test_numbers_of_the_carriers_and_of_netlogon() -> None:
    assert tables.ldap_result_name(49) == "invalidCredentials"
    assert tables.ldap_result_name(9) is None
    assert tables.secure_channel_type_name(2) == "WorkstationSecureChannel"
    assert tables.secure_channel_type_name(8) is None
    assert tables.logon_level_name(6) == "NetlogonNetworkTransitiveInformation"
    assert tables.nt_validation_level_name(6) == "NetlogonValidationSamInfo4"
    assert tables.tower_protocol_name(0x0D) == "UUID"
    assert tables.protocol_sequence_name(7) == "ncacn_ip_tcp"
    assert tables.protocol_sequence_name(0x0D) is None
    assert tables.smb_dialect_name(0x311) == "SMB 3.1.1"
    assert tables.rts_flag_names(0x14) == ("RTS_FLAG_RECYCLE_CHANNEL", "RTS_FLAG_OUT_CHANNEL")


def test_kerberos_numbers_agree_with_impacket() -> None:
    constants = pytest.importorskip("impacket.krb5.constants")
    etypes = {m.value: m.name for m in constants.EncryptionTypes}
    assert (etypes.pop(4), etypes.pop(6)) == ("_reserved_4", "_reserved_6")
    assert {etype: (tables.etype_name(etype) or "").replace("-", "_") for etype in etypes} == etypes
    types = {m.value: m.name for m in constants.PreAuthenticationDataTypes}
    ours = {number: (tables.pa_data_name(number) or "").replace("-", "_") for number in types}
    assert {number: (types[number], ours[number]) for number in types if types[number] != ours[number]} == {
        20: ("PA_USE_SPECIFIED_KVNO", "PA_SVR_REFERRAL_INFO"),  # one number twice in RFC 4120; Windows means a referral
        130: ("PA_S4U_X509_USER", "PA_FOR_X509_USER"),  # [MS-SFU] has both spellings
    }
    for member in constants.KDCOptions:
        if not member.name.startswith(("unused", "reserved")):
            assert tables.kdc_option_names(1 << 31 - member.value) == (member.name.replace("_", "-"),)


def test_secure_channel_types_agree_with_impacket() -> None:
    channel_types = pytest.importorskip("impacket.dcerpc.v5.nrpc").NETLOGON_SECURE_CHANNEL_TYPE.enumItems
    for member in channel_types:
        assert tables.secure_channel_type_name(member.value) == member.name


def test_interfaces() -> None:
    class_factory = tables.interface("00000001-0000-0000-c000-000000000046", "0.0")
    assert class_factory is not None
    assert class_factory.name == "IClassFactory"
    assert tables.interface("ffffffff-0000-0000-c000-000000000046") is None
    new, old, other = (tables.interface("4b324fc8-1670-01d3-1278-5a47bf6ee188", v) for v in ("3.0", "0.0", "7.1"))
    assert [fact.version for fact in (new, old, other) if fact] == ["3.0", "0.0", "0.0"]
    negotiation = tables.interface("6cb71c2c-9812-4540-0300-000000000000", "1.0")
    assert negotiation is not None
    assert negotiation.kind == "transfer syntax"
    mapper = tables.interface(tables.ENDPOINT_MAPPER_UUID)
    assert mapper is not None
    assert mapper.name == "epmapper"
    assert tables.operation_name("12345678-1234-abcd-ef00-01234567cffb", 39) == "NetrLogonSamLogonEx"
    assert tables.operation_name("12345678-1234-abcd-ef00-01234567cffb", 9999) is None


@cache
def _sidecars() -> tuple[dict[str, Any], ...]:
    documents = (json.loads(path.read_text("utf-8")) for path in sorted(LAB.rglob("*.json")))
    return tuple(document for document in documents if isinstance(document, dict) and "faults" in document)


@needs_lab
def test_every_code_of_the_lab_captures_has_a_name() -> None:
    statuses = {int(fault["status"], 16) for sidecar in _sidecars() for fault in sidecar["faults"]}
    reasons = {nak["reason"] for sidecar in _sidecars() for nak in sidecar["bind_naks"]}
    errors = {error["error_code"] for sidecar in _sidecars() for error in sidecar["krb_errors"]}
    tickets = [ticket for sidecar in _sidecars() for ticket in sidecar["ap_reqs"]]
    assert len(statuses) >= 8
    assert {hex(value) for value in statuses if tables.status(value) is None} == set()
    assert {reason for reason in reasons if tables.reject_reason_name(reason) is None} == set()
    assert {code for code in errors if tables.kerberos_error(code) is None} == set()
    assert {t["ticket_etype"] for t in tickets if tables.etype_name(t["ticket_etype"]) is None} == set()
    assert {t["name_type"] for t in tickets if tables.name_type_name(t["name_type"]) is None} == set()


@needs_lab
def test_every_interface_of_the_lab_captures_has_a_name_unless_nobody_has_one() -> None:
    binds = [bind for sidecar in _sidecars() for key in ("binds", "alter_contexts") for bind in sidecar[key]]
    abstract = {context["abstract"] for bind in binds for context in bind["contexts"]}
    transfer = {syntax for bind in binds for context in bind["contexts"] for syntax in context["transfer"]}
    unnamed = {uuid for uuid in abstract | transfer if tables.interface(uuid) is None}
    assert len(abstract) > 150
    assert unnamed - SWEPT_WITHOUT_A_NAME == set()
    assert {uuid for uuid in SWEPT_WITHOUT_A_NAME if tables.interface(uuid) is not None} == set()


@cache
def _seen(what: str) -> tuple[tuple[str, str, str], ...]:
    with SEEN_BY_TSHARK.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return tuple((uuid, number, capture) for kind, uuid, number, capture in rows if kind == what)


def test_every_interface_that_tshark_saw_has_a_name_unless_nobody_has_one() -> None:
    seen = {
        uuid
        for what in ("interface", "transfer syntax", "tower", "COM interface", "class")
        for uuid, _, _ in _seen(what)
    }
    assert len(seen) > 350
    assert {uuid for uuid in seen if tables.interface(uuid) is None} == SWEPT_WITHOUT_A_NAME | WITHOUT_A_NAME


def test_every_version_that_tshark_saw_is_known_but_for_those_of_a_sweep() -> None:
    named = [(uuid, version, capture) for uuid, version, capture in _seen("interface") if tables.interface(uuid)]
    other = {capture for uuid, version, capture in named if tables.interface(uuid, version).version != version}  # type: ignore[union-attr]  # named
    assert len(named) > 300
    assert other <= {"lab/a-impacket/imp-rpcmap.pcap"}


def test_every_operation_that_tshark_saw_has_a_name() -> None:
    seen = {(uuid, int(opnum)) for uuid, opnum, _ in _seen("operation")}
    unnamed = {(uuid, opnum) for uuid, opnum in seen if tables.operation_name(uuid, opnum) is None}
    assert len(seen) > 190
    assert {(uuid, opnum) for uuid, opnum in unnamed if uuid not in WITHOUT_A_NAME} == BEYOND_THE_INTERFACE


@needs_lab
def test_the_record_of_what_tshark_saw_is_of_these_captures() -> None:
    binds = [bind for sidecar in _sidecars() for key in ("binds", "alter_contexts") for bind in sidecar[key]]
    asked_for = {context["abstract"] for bind in binds for context in bind["contexts"]}
    assert asked_for - {uuid for uuid, _, _ in _seen("interface")} == set()
    recorded = {row[-1] for what in ("interface", "operation", "tower", "class") for row in _seen(what)}
    assert {capture for capture in recorded if not (SHARED / "captures" / capture).is_file()} == set()


def test_every_interface_of_the_shared_domain_table_has_a_name() -> None:
    path = SHARED / "domain" / "interfaces.csv"
    if not path.is_file():
        pytest.skip(f"no table at {path}")
    with path.open(encoding="utf-8", newline="") as file:
        uuids = [row["uuid"].replace("xxxx-xxxxxxxxxxxx", "0000-000000000000") for row in csv.DictReader(file)]
    assert len(uuids) > 15
    assert [uuid for uuid in uuids if tables.interface(uuid) is None] == []


def test_a_look_up_finds_what_the_whole_table_has() -> None:
    for uuid, facts in tables.interfaces().items():
        assert tables.versions_of(uuid) == facts
    for (uuid, opnum), fact in tables.operations().items():
        assert tables.operations_of(uuid)[opnum] == fact
    for value, meanings in tables.statuses().items():
        assert tables.statuses_of(value) == meanings
    for value in (-1, 0x12345, 0xDEADBEEF, 1 << 40):
        assert tables.statuses_of(value) == ()
    for key in ("", "uuid", "12345678", "ffffffff-ffff-ffff-ffff-ffffffffffff", "\n", "interface"):
        assert tables.versions_of(key) == ()
        assert dict(tables.operations_of(key)) == {}


def test_a_look_up_reads_no_whole_table() -> None:
    """Start-up pays for what it asks for: neither table's cache of everything is filled by look-ups of single rows."""
    script = (
        "from rpctrace.knowledge import tables as t;"
        "t.interface('12345778-1234-abcd-ef00-0123456789ac', '1.0');"
        "t.operation_name('12345778-1234-abcd-ef00-0123456789ac', 5); t.etype_name(18);"
        "print([f.cache_info().currsize for f in (t.interfaces, t.operations, t.security_providers)])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[0, 0, 0]"


def _error_messages(module: str) -> dict[int, tuple[str, str]]:
    messages: dict[int, tuple[str, str]] = pytest.importorskip(module).ERROR_MESSAGES
    return messages


@pytest.mark.parametrize(
    ("family", "module"),
    [("win32", "impacket.system_errors"), ("ntstatus", "impacket.nt_errors"), ("hresult", "impacket.hresult_errors")],
)
def test_status_names_agree_with_impacket(family: str, module: str) -> None:
    messages = _error_messages(module)
    ours = {fact.value: fact.name for facts in tables.statuses().values() for fact in facts if fact.family == family}
    assert {value: name for value, name in ours.items() if messages.get(value, ("",))[0] != name} == {}


def test_dce_names_agree_with_impacket_which_writes_an_s_that_c706_does_not() -> None:
    codes = pytest.importorskip("impacket.dcerpc.v5.rpcrt").rpc_status_codes
    differences = {}
    for facts in tables.statuses().values():
        for fact in facts:
            theirs = codes.get(fact.value, "").strip()
            if fact.family in ("nca", "dce") and theirs != fact.name:
                differences[fact.name] = theirs
                assert theirs in {alias.name for alias in fact.aliases if alias.label == "impacket"}
    assert len(differences) == 15
    assert all(theirs == name.replace("nca_", "nca_s_", 1) for name, theirs in differences.items())


def test_kerberos_names_agree_with_impacket_but_for_pkinit() -> None:
    constants = pytest.importorskip("impacket.krb5.constants")
    differences = {}
    for code in constants.ErrorCodes:
        fact = tables.kerberos_error(code.value)
        assert fact is not None, code
        if fact.name != code.name:
            differences[code.value] = (code.name, code.name in {alias.name for alias in fact.aliases})
    # RFC 4120 reserved these for PKINIT under names that RFC 4556 then changed; impacket keeps the reserved ones.
    assert differences == {
        62: ("KDC_ERROR_CLIENT_NOT_TRUSTED", True),
        63: ("KDC_ERROR_KDC_NOT_TRUSTED", True),
        64: ("KDC_ERROR_INVALID_SIG", True),
        65: ("KDC_ERR_KEY_TOO_WEAK", True),
    }


@pytest.mark.parametrize(
    ("module", "uuid", "prefix"),
    [
        ("nrpc", "12345678-1234-abcd-ef00-01234567cffb", ""),
        ("samr", "12345778-1234-abcd-ef00-0123456789ac", ""),
        ("lsad", "12345778-1234-abcd-ef00-0123456789ab", ""),
        ("lsat", "12345778-1234-abcd-ef00-0123456789ab", ""),
        ("srvs", "4b324fc8-1670-01d3-1278-5a47bf6ee188", ""),
        ("wkst", "6bffd098-a112-3610-9833-46c3f87e345a", ""),
        ("scmr", "367abb81-9844-35f1-ad32-98f038001003", ""),
        ("rrp", "338cd001-2244-31f1-aaaa-900038001003", ""),
        ("rprn", "12345678-1234-abcd-ef00-0123456789ab", ""),
        ("par", "76f03f96-cdfd-44fc-a22c-64950a001209", ""),
        ("even", "82273fdc-e32a-18c3-3f78-827929dc23ea", ""),
        ("even6", "f6beaff7-1e19-4fbb-9f8f-b89e2018337c", ""),
        ("nspi", "f5cc5a18-4264-101a-8c59-08002b2f8426", ""),
        ("tsch", "86d35949-83c9-4044-b424-db363231fd0c", ""),
        ("drsuapi", "e3514235-4b06-11d1-ab04-00c04fc2dcd2", "IDL_"),  # [MS-DRSR] writes IDL_DRSBind
    ],
)
def test_operations_agree_with_impacket(module: str, uuid: str, prefix: str) -> None:
    loaded = pytest.importorskip(f"impacket.dcerpc.v5.{module}")
    calls = {
        call.opnum: prefix + name
        for name, call in vars(loaded).items()
        if isinstance(call, type) and "opnum" in vars(call) and call.__module__ == loaded.__name__
    }
    assert len(calls) > 5
    if module == "nrpc":
        assert calls.pop(48) == "DSRUpdateReadOnlyServerDnsRecords"  # [MS-NRPC] writes Dsr
    assert {opnum: name for opnum, name in calls.items() if tables.operation_name(uuid, opnum) != name} == {}
