"""No original name is left in any octet of any output, and what is concluded stays the same."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from report_values import AUTHENTICATION, EXTENDED_ERROR, full_report, refused_call
from shared_captures import OWN, captures_in, name_of

from rpctrace import report as report_module
from rpctrace.analysis import Options, analyze
from rpctrace.cli import main
from rpctrace.diagnosis.registry import RULES
from rpctrace.log_summary import LogRemark, LogRow, LogSummary
from rpctrace.pseudonyms import PIPES, SERVICES, Pseudonyms
from rpctrace.redaction import CHANGES, PLAIN, PLAIN_SUFFIXES, redact
from rpctrace.render.registry import ENTRIES
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Dcom, ErrorParameter, Finding, Report

KEY = b"a key for tests"
LOG = OWN / "remote-assistance" / "netlogon.log"
# Fields of names, and what of a value is somebody's: labels of three characters or more.
_LABEL = re.compile(r"[^\W_][\w$-]{2,}")
# Names that are also words of protocols, of ours or of Windows; whoever is called so is not found out by them.
WORDS = SERVICES | PIPES | {
    "com", "net", "local", "ncacn_ip_tcp", "ncacn_np", "null", "user", "domain", "server", "client", "service",
    "authority", "system", "local service", "network", "administrator", "guest", "ipc$", "pipe", "workgroup", "child",
    "rpc_c_authn_gss_negotiate", "udp", "path", "policy", "transited", "files", "account", "kdc", "main", "flags",
    "reply", "pa-enc-timestamp", "pa-pk-as-req",
    "builtin", "test",
    # of netlogon, in fields where only its own words stay
    "kerberos", "ntlm", "generic", "interactive", "transitive", "logon", "misc", "critical", "session", "mailslot",
    # of directories and KDCs, as far as they tell causes apart
    "ldaperr", "comment", "acceptsecuritycontext", "error", "data",
    "db8",  # of the network for documentation, which stays
}  # fmt: skip
# Codes of the same: of a directory, and of the protocol.
_CODE = re.compile(r"[0-9a-f]{8}|dsid-[0-9a-f]{8}|\d[0-9a-f]{2}|0x[0-9a-f]{1,8}")


# Made of redacted names; the first where a log's path stands for a host.
MADE_AFTERWARDS = ("HostClock.name", "Stream.uid", "Stream.community_id")


def records(value: Any) -> Iterator[Any]:
    """Every record of a report, at any depth."""
    if isinstance(value, tuple):
        for each in value:
            yield from records(each)
    elif is_dataclass(value) and not isinstance(value, type):
        yield value
        for member in fields(value):
            yield from records(getattr(value, member.name))


def originals(report: Report) -> set[str]:
    """The names that a report holds, in the fields that redaction changes."""
    found: set[str] = set()
    for record in records(report):
        for member in fields(record):
            key = f"{type(record).__name__}.{member.name}"
            if key in MADE_AFTERWARDS or member.name == "address":  # these are looked for as a whole
                continue
            if key in CHANGES or f"*.{member.name}" in CHANGES:
                value = getattr(record, member.name)
                texts = value if isinstance(value, tuple) else (value,)
                for text in texts:
                    if isinstance(text, str):
                        found.update(_LABEL.findall(_whose(key, text).casefold()))
    rules = {rule.name for rule in RULES}  # samples are called after them
    return {name for name in found if name not in WORDS | rules and not name.isdigit() and not _CODE.fullmatch(name)}


def _whose(key: str, text: str) -> str:
    """Of a path, the file's own name; of a log's line, not the function that wrote it."""
    if key in ("CaptureFacts.path", "LogFacts.path", "LogEntry.file"):
        return Path(text).name.split(".")[0]
    if key == "KerberosExchange.notes":  # ours, but for what a password service says
        return text.partition("password service: result ")[2].partition(": ")[2]
    return text.partition(":")[2] if key == "LogEntry.text" else text


@cache
def outputs(path: Path) -> str:
    """Every rendering of the redacted capture, in one text."""
    return renderings(analyze(path, Options(pdus=True, redact_key=KEY), netlogon=[LOG]))


def renderings(redacted: Report) -> str:
    texts = []
    for entry in ENTRIES:
        rendering = entry.load()
        if rendering.octets is None:  # Parquet holds the columns of CSV
            out = io.StringIO(newline="")
            rendering.render(redacted, out, RenderOptions(verbosity=2))
            texts.append(out.getvalue())
    return "\n".join(texts)


# The smaller half: others of the same makers hold the same names.
SAMPLES = sorted(captures_in(OWN), key=lambda path: path.stat().st_size)[: len(captures_in(OWN)) // 2]
SAMPLES += [OWN / "remote-assistance" / "expert.pcapng", OWN / "remote-assistance" / "novice.pcapng"]


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_no_original_name_is_left(path: Path) -> None:
    """In no format, whatever carried it: realms, hosts, users, addresses, file names, texts of others."""
    words = set(_LABEL.findall(outputs(path).casefold()))
    report = analyze(path, Options(pdus=True), netlogon=[LOG])
    left = originals(report) & words
    assert not left
    addresses = {record.address for record in records(report) if hasattr(record, "address")}
    assert not {each for each in addresses if each and each in outputs(path)}


# What others wrote, with names in it wherever they may stand; every word of three letters or more that is neither a
# code nor a term of the protocol is a name here.
LDAP_SAID = "80090308: LdapErr: DSID-0C09030B, comment: Jürgen Grünwald of TAILSPIN, dc7.tailspin.test, data 52e, v4563"
PASSWORD_SAID = "Łukasz Żółć of TAILSPIN used this password on ГОРОД-7"
TOLD = ("NetApp07: Günther at 10.77.3.9", "NlPrintRpcDebug: Günther")
NAMES_OF_OTHERS = (
    "jürgen", "grünwald", "tailspin", "dc7", "łukasz", "żółć", "город-7", "netapp07", "günther", "10.77.3.9",
    "ångström", "中文机", "caf\\xe9tier", "u\u0308ller", "filesrv9", "payroll", "2a00:1450", "zürich", "woodgrove",
    "srvalpha", "1177-2288-3399",
)  # fmt: skip


def talkative_report() -> Report:
    full = full_report()
    said = ("Ångström", "S-1-5-21-1177-2288-3399-1105", "中文机 caf\udce9tier Mu\u0308ller")
    error = replace(EXTENDED_ERROR, parameters=tuple(ErrorParameter("text", each) for each in said))
    bindings = (
        "ncacn_np:\\\\FILESRV9[\\pipe\\payroll]", "ncacn_ip_tcp:[2a00:1450::77][135]", "FILESRV9[payroll]",
    )  # fmt: skip
    dcom = Dcom(None, None, None, None, None, bindings=bindings)
    entry = replace(full.log_entries[0], text=TOLD[0], kind="Zürich logon", package="Woodgrove SSP", flag="SRVALPHA")
    exchange = replace(
        full.kerberos[0],
        e_text="no account of Jürgen in TAILSPIN",
        notes=(f"password service: result 4 KRB5_KPASSWD_SOFTERROR: {PASSWORD_SAID}", "sent again"),
    )
    return replace(
        full,
        calls=(refused_call(extended_error=(error,), dcom=dcom), *full.calls[1:]),
        kerberos=(exchange,),
        authentications=(replace(AUTHENTICATION, carried_in="ldap", notes=(LDAP_SAID,)),),
        log_entries=(entry, replace(entry, text=TOLD[1])),
    )


def test_what_others_wrote_names_nobody() -> None:
    """The message of a directory, a password server's, an extended error, a string binding, a line of a log: of any
    script; codes, and words that tell causes apart, stay."""
    plain = renderings(talkative_report()).casefold()
    assert not [name for name in NAMES_OF_OTHERS if name not in plain]
    redacted = redact(talkative_report(), Pseudonyms(KEY))
    told = renderings(redacted).casefold()
    assert not [name for name in NAMES_OF_OTHERS if name in told]
    said = redacted.authentications[0].notes[0]
    assert said == "80090308: LdapErr: DSID-0C09030B, comment: ~ ~ of ~, ~.~.~, data 52e, ~"
    assert redacted.kerberos[0].notes[1:] == ("sent again",)
    assert redacted.kerberos[0].notes[0].startswith("password service: result 4 KRB5_KPASSWD_SOFTERROR: ~ ~ of ~")
    assert [entry.text for entry in redacted.log_entries] == ["(withheld)", "NlPrintRpcDebug: (withheld)"]


def judged(findings: tuple[Finding, ...]) -> list[tuple[object, ...]]:
    return sorted((f.rule, f.severity, f.confidence, f.calls, f.frames, f.concerns) for f in findings)


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_what_is_concluded_stays_the_same(path: Path) -> None:
    """Structure is kept, so every rule says of the new names what it says of the old."""
    plain = analyze(path, netlogon=[LOG])
    redacted = analyze(path, Options(redact_key=KEY), netlogon=[LOG])
    assert judged(redacted.findings) == judged(plain.findings)
    assert [entry.calls for entry in redacted.log_entries] == [entry.calls for entry in plain.log_entries]


def test_every_text_field_is_judged() -> None:
    """A new field of the report is either changed or known to hold no name."""
    unknown = []
    summed = {each.__name__: each for each in (LogRow, LogRemark, LogSummary)}
    for name, record in ({name: getattr(report_module, name) for name in report_module.__all__} | summed).items():
        if not is_dataclass(record):
            continue
        hints = get_type_hints(record)
        for member in fields(record):
            if "str" not in str(hints[member.name]):
                continue
            keys = {f"{name}.{member.name}", f"*.{member.name}"}
            if not (keys & CHANGES.keys() or keys & PLAIN or member.name.endswith(PLAIN_SUFFIXES)):
                unknown.append(f"{name}.{member.name}")
    assert not unknown


def test_the_same_key_gives_the_same_names_and_another_gives_others() -> None:
    """So that two reports of a case can be laid beside each other."""
    full = full_report()
    assert redact(full, Pseudonyms(KEY)) == redact(full, Pseudonyms(KEY))
    assert redact(full, Pseudonyms(KEY)) != redact(full, Pseudonyms(b"another"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a key of one's own, or one that nobody knows again; filters name hosts as the capture does."""
    expert = str(OWN / "remote-assistance" / "expert.pcapng")
    assert main(["analyze", "-q", expert, "--redact"]) == 0
    first = capsys.readouterr().out
    assert main(["analyze", "-q", expert, "--redact"]) == 0
    assert capsys.readouterr().out != first
    assert "novice" not in first
    assert main(["analyze", "-q", expert, "--redact-key", "x", "--host", "10.2.0.73", "--table", "calls"]) == 0
    assert "IClassFactory" in capsys.readouterr().out
    assert main(["analyze", "-q", expert, "--redact", "--host", "10.2.0.0/16"]) == 2
    assert main(["analyze", "-q", expert, "--redact-key", ""]) == 2
    assert not list(tmp_path.iterdir())
