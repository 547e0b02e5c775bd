"""Proves: `explain` finds every spelling of a code, says what it does not prove, and starts without heavy imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rpctrace.encoding.labelled import PAGE_COLUMNS
from rpctrace.errors import UsageError
from rpctrace.explanation import MAXIMUM_QUESTION_CHARACTERS, explain, render_explanation
from rpctrace.knowledge import tables

REPOSITORY = Path(__file__).parents[1]

SEC_PKG_ERROR = """\
RPC_S_SEC_PKG_ERROR
  what            RPC fault status, Win32 code
  value           0x00000721  0x721  1825
  names           RPC_S_SEC_PKG_ERROR, nca_s_fault_sec_pkg_error (Wireshark),
                  DCERPC_FAULT_SEC_PKG_ERROR (Samba), RPC_S_SEC_PACKAGE_ERROR (support article, no
                  real symbol)
  meaning         An error inside a security package (the library that does Kerberos, NTLM, Schannel
                  or Netlogon).
  behind it       The package failed with a code that RPC does not map to 'access denied'. In an
                  alter_context: the token of that leg was not accepted (for Kerberos: decryption,
                  clock skew, replay, PAC validation; for NTLM: session security settings that do
                  not meet). On a request: the signature or the sealing did not verify, or an
                  earlier leg without an answer (auth3) had failed. The code itself tells none of
                  these apart.
  seen in         fault to alter_context or request
  proves          A security package on the server returned an error for the token of that leg, or
                  for the protection of that message.
  does not prove  that Kerberos was in use (NTLM, Schannel and Netlogon fail so too); that a PAC was
                  checked, let alone refused; which of the causes it was. What tells them apart: the
                  PDU that carried the token, the token itself (AP-REQ, KRB-ERROR, signature), the
                  time until the fault, extended error information and the server's netlogon.log.
  see also        RPC_NT_SEC_PKG_ERROR 0xC0020057, HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)
                  0x80070721
  source          [MS-ERREF] 2.2; [MS-RPCE] 3.3.1.5.2.1
"""

GOLDEN = {
    "0x721": SEC_PKG_ERROR,
    "0x80070721": """\
HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)
  what            HRESULT
  value           0x80070721  2147944225  -2147023071
  meaning         Wraps 0x00000721, RPC_S_SEC_PKG_ERROR, and says no more than that.
  seen in         ORPC response, activation result; rarely a fault
  source          [MS-ERREF] 2.1

"""
    + SEC_PKG_ERROR,
    "0xC0020057": """\
RPC_NT_SEC_PKG_ERROR
  what            NTSTATUS
  value           0xC0020057  0xc0020057  3221356631  -1073610665
  meaning         An error inside a security package.
  behind it       The same as RPC_S_SEC_PKG_ERROR, 0x721, said as NTSTATUS.
  seen in         netlogon.log, e-data of KRB-ERROR, Netlogon replies
  see also        RPC_S_SEC_PKG_ERROR 0x00000721
  source          [MS-ERREF] 2.3.1

"""
    + SEC_PKG_ERROR,
    "-1073741724": """\
STATUS_NO_SUCH_USER
  what            NTSTATUS
  value           0xC0000064  0xc0000064  3221225572  -1073741724
  meaning         The user does not exist, for the one who was asked.
  behind it       For a Generic logon with package Kerberos the empty user is no mistake: the domain
                  controller could not find or route to the logon domain, so a PAC could not be
                  verified; the signature itself was never judged. Otherwise a wrong user name, or a
                  domain controller in shutdown (KB2683606).
  seen in         netlogon.log, e-data of KRB-ERROR, Netlogon replies
  proves          The domain controller that was asked has no such user or cannot reach the logon
                  domain.
  does not prove  anything about a PAC's signature, when the logon is Generic with package Kerberos:
                  nobody judged it.
  source          [MS-ERREF] 2.3.1; [MS-NRPC] 3.5.4.5.1; KB2683606
""",
    "nca_unk_if": """\
nca_unk_if
  what            RPC fault status, DCE code
  value           0x1C010003  0x1c010003  469827587
  names           nca_unk_if, nca_s_unk_if (impacket), DCERPC_NCA_S_UNKNOWN_IF (Samba)
  meaning         The server does not know the interface, or not in this version.
  behind it       Asked at the wrong endpoint: stale answer of the endpoint mapper, stopped service,
                  wrong port; not an authentication result.
  seen in         fault, reject
  proves          The process that was asked does not have the interface.
  does not prove  anything about the caller's identity, or that the service is missing on the
                  machine.
  see also        RPC_S_UNKNOWN_IF 0x000006B5
  source          [C706] Appendix N.2; [MS-RPCE] 3.1.1.5.5
""",
    "krb_ap_err_skew": """\
KRB_AP_ERR_SKEW
  what            Kerberos error (KRB-ERROR)
  value           37  0x25
  meaning         The clocks differ too much.
  behind it       More than five minutes by default. Windows clients try once more with the server's
                  time, so only a skew that stays is a failure.
  seen in         exchange AS, TGS, AP
  normal when     The client tries again with the server's time and succeeds.
  proves          The clocks of the two that spoke differ by more than is allowed.
  does not prove  whose clock is wrong; nor that anything failed, if the next attempt with the
                  adjusted time succeeds.
  source          RFC 4120 7.5.9
""",
    "{00000001-0000-0000-C000-000000000046}": """\
IClassFactory
  what            RPC interface
  value           00000001-0000-0000-c000-000000000046  version 0.0
  meaning         Object factory, got through RemoteGetClassObject. The interface of the support
                  article's trace. Often taken for IRemUnknown, which is
                  00000131-0000-0000-c000-000000000046.
  proves          A class object was asked to make an instance, or to stay loaded.
  does not prove  which class: that was said in the activation before, on port 135.
  operations      3=RemoteCreateInstance, 4=RemoteLockServer
  see also        IRemUnknown 00000131-0000-0000-c000-000000000046
  source          [MS-DCOM] 3.2.4.1.1
""",
    "IRemUnknown": """\
IRemUnknown
  what            RPC interface
  value           00000131-0000-0000-c000-000000000046  version 0.0
  meaning         Reference counting and QueryInterface of an object exporter, on its dynamic port.
                  Often mixed up with IClassFactory, which is 00000001-0000-0000-c000-000000000046.
  proves          An object's references are being managed.
  does not prove  that an object was made or a method called.
  operations      3=RemQueryInterface, 4=RemAddRef, 5=RemRelease
  see also        IClassFactory 00000001-0000-0000-c000-000000000046
  source          [MS-DCOM] 1.9
""",
    "pkt_privacy": """\
RPC_C_AUTHN_LEVEL_PKT_PRIVACY
  what            RPC authentication level (auth_level)
  value           6  0x6
  names           RPC_C_AUTHN_LEVEL_PKT_PRIVACY, pkt_privacy, privacy
  meaning         Every PDU is signed and its stub data sealed.
  behind it       The least that Netlogon accepts since CVE-2022-38023 (KB5021130).
  source          [MS-RPCE] 2.2.1.1.8; KB5021130
""",
    "authentication_type_not_recognized": """\
authentication_type_not_recognized
  what            bind_nak reject reason
  value           8  0x8
  meaning         The server has no security provider for the auth_type of the bind.
  behind it       Nothing was checked yet: the provider is not registered in that server process.
                  The client reports RPC_S_UNKNOWN_AUTHN_SERVICE (1747).
  proves          No provider for the auth_type is registered in the server process.
  does not prove  anything about the caller's identity or password: nothing was checked.
  source          [MS-RPCE] 2.2.2.5
""",
    "1.2.840.113554.1.2.2.3": """\
KRB5-USER2USER
  what            security mechanism (object identifier)
  value           1.2.840.113554.1.2.2.3
  names           KRB5-USER2USER, Kerberos user-to-user
  meaning         Kerberos user-to-user.
  behind it       Windows offers it by default: its presence in a list of mechanisms does not mean
                  that user-to-user was used.
  proves          The client could do user-to-user.
  does not prove  that it did: Windows offers the mechanism by default.
  source          [MS-SPNG] 3.1.5.2
""",
    "NetrLogonSamLogonEx": """\
NetrLogonSamLogonEx
  what            RPC operation
  value           opnum 39  0x27
  meaning         Operation 39 of netlogon.
  seen in         request
  see also        netlogon 12345678-1234-abcd-ef00-01234567cffb
  source          [MS-NRPC] 3.5.4
""",
}


def _text(question: str) -> str:
    return "\n".join(map(render_explanation, explain(question)))


@pytest.mark.parametrize("question", GOLDEN)
def test_golden_text(question: str) -> None:
    assert _text(question) == GOLDEN[question]


@pytest.mark.parametrize(
    "question",
    [
        "0x721",
        "0X721",
        "0x00000721",
        "1825",
        " 1825 ",
        "00000721",
        "RPC_S_SEC_PKG_ERROR",
        "rpc_s_sec_pkg_error",
        "RPC_S_SEC_PACKAGE_ERROR",
        "nca_s_fault_sec_pkg_error",
        "DCERPC_FAULT_SEC_PKG_ERROR",
    ],
)
def test_every_spelling_of_0x721_gives_the_same(question: str) -> None:
    assert _text(question) == SEC_PKG_ERROR


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ("37", ["KRB_AP_ERR_SKEW"]),
        (
            "5",
            [
                "ERROR_ACCESS_DENIED",
                "KDC_ERR_S_OLD_MAST_KVNO",
                "default_context_not_supported",
                "RPC_C_AUTHN_LEVEL_PKT_INTEGRITY",
                "des3-cbc-md5",
                "KRB5_KPASSWD_ACCESSDENIED",
                "compareFalse",
                "NetlogonInteractiveTransitiveInformation",
                "NT-UID",
                "NetlogonValidationGenericInfo2",
                "PA-ENC-UNIX-TIME",
                "UasServerSecureChannel",
                "OSI TP4",
                "RDR",
            ],
        ),
        ("38", ["KRB_AP_ERR_BADADDR", "ERROR_HANDLE_EOF"]),  # the second is impacket's
        ("-128", ["rc4-md4", "NT-MS-PRINCIPAL"]),
        ("C0000064", ["STATUS_NO_SUCH_USER"]),
        ("1c010003", ["nca_unk_if"]),
        ("80070721", ["HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)", "RPC_S_SEC_PKG_ERROR"]),
        ("nca_s_unk_if", ["nca_unk_if"]),
        ("0xD0000022", ["HRESULT_FROM_NT(STATUS_ACCESS_DENIED)", "STATUS_ACCESS_DENIED"]),
        ("0x80070026", ["HRESULT_FROM_WIN32(ERROR_HANDLE_EOF)", "ERROR_HANDLE_EOF"]),
        ("hresult_from_win32(rpc_s_sec_pkg_error)", ["HRESULT_FROM_WIN32(RPC_S_SEC_PKG_ERROR)", "RPC_S_SEC_PKG_ERROR"]),
        ("STATUS_INVALID_HANDLE", ["STATUS_INVALID_HANDLE"]),  # impacket's
        ("KDC_ERR_S_PRINCIPAL_UNKNOWN", ["KDC_ERR_S_PRINCIPAL_UNKNOWN"]),
        ("KDC_ERROR_INVALID_SIG", ["KDC_ERR_INVALID_SIG"]),
        ("RPC_C_AUTHN_GSS_NEGOTIATE", ["RPC_C_AUTHN_GSS_NEGOTIATE"]),
        ("spnego", ["RPC_C_AUTHN_GSS_NEGOTIATE", "SPNEGO"]),
        ("reason not specified", ["reason_not_specified", "reason_not_specified"]),
        ("provider_rejection", ["provider_rejection"]),
        ("SAMR", ["samr"]),
        ("4B324FC8-1670-01D3-1278-5A47BF6EE188", ["srvsvc"]),
        ("6cb71c2c-9812-4540-0300-000000000000", ["bind time feature negotiation"]),
        ("8a885d04-1ceb-11c9-9fe8-08002b104860", ["NDR"]),
        ("AP-REQ", ["KRB_AP_REQ"]),
        ("VerifyOrUnseal20", ["VerifyOrUnseal20"]),
        ("efsrpc", ["efsrpc", "efsrpc"]),
    ],
)
def test_meanings_and_their_order(question: str, titles: list[str]) -> None:
    assert [explanation.title for explanation in explain(question)] == titles


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("RPC_S_SEC_PKG_EROR", "nothing known about 'RPC_S_SEC_PKG_EROR'; near: RPC_S_SEC_PKG_ERROR, "),
        ("IRemUnknow", "nothing known about 'IRemUnknow'; near: IRemUnknown, IRemUnknown2, "),
        ("0x80070025", "nothing known about '0x80070025'"),
        ("", "nothing known about ''"),
        ("\x1b[31m", "nothing known about '\\\\x1b[31m'"),
        ("9" * 5000, "nothing known about '999"),
        ("ffffffff-ffff-ffff-ffff-ffffffffffff", "nothing known about 'ffffffff-"),
    ],
)
def test_what_is_unknown_is_refused_with_near_names(question: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain(question)
    assert str(refused.value).startswith(message)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < MAXIMUM_QUESTION_CHARACTERS + 300


def _questions() -> list[str]:
    numbers = [hex(value) for value in tables.statuses()] + [str(code) for code in tables.kerberos_errors()]
    names = [fact.name for table in (tables.reject_reasons(), tables.security_providers()) for fact in table.values()]
    return [*numbers, *names, *tables.interfaces()]


def test_every_row_explains_itself_within_the_width() -> None:
    for question in _questions():
        for explanation in explain(question):
            text = render_explanation(explanation)
            assert explanation.source, question
            assert max(map(len, text.splitlines())) <= PAGE_COLUMNS, question
            assert all(line == line.rstrip() and line.isprintable() for line in text.splitlines()), question


def test_what_matters_to_authentication_says_something() -> None:
    """0x721, 0x5 and the bind_nak reasons of a refused token carry a meaning, a cause and a limit."""
    for question in ("0x721", "0x5", "0x80070005", "invalid_checksum", "authentication_type_not_recognized"):
        first = explain(question)[0]
        assert first.meaning, question
        assert first.cause, question
        assert first.does_not_prove, question


def test_start_up_imports_nothing_heavy() -> None:
    """`explain 0x721` answers from its tables alone: no impacket, no scapy, no terminal library, no difflib."""
    program = "import sys; from rpctrace.explanation import explain; explain('0x721'); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    heavy = {"impacket", "scapy", "pyshark", "rich", "click", "tabulate", "jinja2", "difflib", "asyncio", "pathlib"}
    assert loaded & heavy == set()
    ours = {module for module in done.stdout.split() if module.startswith("rpctrace.")}
    assert {module.split(".")[1] for module in ours} == {
        "constructor", "encoding", "errors", "explanation", "knowledge", "named_tuple", "version",
    }  # fmt: skip
