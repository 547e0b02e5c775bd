#!/usr/bin/env python3
"""Builds the sample captures of this folder that were not recorded: the same octets in every run, everywhere.

    python captures/make_samples.py            write the files, and their sums into INDEX.toml
    python captures/make_samples.py --check    compare only; exit status 1 where a file differs

Standard library only; the builders are those of tests/builders.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent / "tests"), str(FOLDER)]

from builders import (  # noqa: E402  (the path above comes first)
    Interface,
    TimedFrame,
    cut,
    dcerpc,
    duplicated,
    kerberos,
    merged,
    netmon,
    pcap,
    pcapng,
    reordered,
)
from making import cast, domain_member, endpoints, others, pipes, refused_tickets, tickets, web  # noqa: E402
from making.article import ARTICLE, Telling, ask_for_ticket, ask_in_vain, class_factory, exchange, whole_story  # noqa: E402
from making.everyday import everyday  # noqa: E402

APPLICATION = "rpctrace make_samples.py"
OWN_REALM = Telling(realm=cast.SERVER_REALM, account_realm=cast.SERVER_REALM, kdc=cast.DC_B, expert_tgt=cast.SERVER_TGT)
LOG_LINE = (
    "03/14 09:26:50 [LOGON] RESOURCE: SamLogon: Generic logon of CHILD.DOMAINA.COM\\(null) from (null)"
    " (via RESOURCE-WIN73) Package:Kerberos "
)


def _full(telling: Telling) -> list[TimedFrame]:
    return merged(everyday(), whole_story(telling))


def _section(frames: list[TimedFrame]) -> bytes:
    return pcapng(frames, interfaces=[Interface("Ethernet")], application=APPLICATION)


def _story(**changes: object) -> Callable[[], bytes]:
    """A pcapng of the failing exchange alone, told differently."""
    return lambda: _section(exchange(Telling(**changes)))  # type: ignore[arg-type]  # names checked by Telling


def _nanosecond_pcap(make: Callable[[], list[TimedFrame]]) -> Callable[[], bytes]:
    return lambda: pcap(make(), nanoseconds=True)


def _segmented() -> bytes:
    """The failing connection in segments of 200 octets, some swapped with the next of their direction, some twice."""
    telling = Telling(segment_size=200)
    frames = class_factory(telling).frames
    order = list(range(len(frames)))
    for at in range(4, len(frames) - 5, 3):
        if frames[at].octets[6:12] == frames[at + 1].octets[6:12]:
            order[at], order[at + 1] = order[at + 1], order[at]
    damaged = duplicated(reordered(frames, order), range(5, len(frames) - 4, 4))
    return _section(merged(damaged, ask_in_vain(telling, cast.START_NS), ask_for_ticket(telling, cast.START_NS)))


def _two_interfaces() -> bytes:
    """Every frame on both interfaces, as a capture of a bridge and its port; the second clock counts microseconds."""
    frames = class_factory().frames
    second = [frame._replace(timestamp_ns=frame.timestamp_ns + 7_000, interface=1) for frame in frames]
    return pcapng(
        merged(frames, second),
        interfaces=[Interface("vEthernet (bridge)", resolution=9), Interface("Ethernet")],
        application=APPLICATION,
    )


def _client_only() -> list[TimedFrame]:
    """Only what the expert's computer sent, as a one-sided mirror port gives it."""
    own = bytes.fromhex(cast.EXPERT.mac.replace(":", ""))
    return [frame for frame in exchange(Telling(cached=True)) if frame.octets[6:12] == own]


def _log() -> bytes:
    lines = (
        "03/14 09:26:11 [MISC] RESOURCE: DsGetDcName function called: Dom:domainB.com Acct:(null) Flags: DS",
        LOG_LINE + "Entered",
        LOG_LINE + "Returns 0xC0000064",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _ip_6() -> Callable[[], bytes]:
    return _story(expert=cast.EXPERT_6, novice=cast.NOVICE_6, kdc=cast.DC_CHILD_6)


ASSISTANCE = {
    "expert.pcapng": lambda: _section(_full(ARTICLE)),
    "expert.cap": lambda: netmon(_full(ARTICLE)),
    "expert-own-realm.pcapng": lambda: _section(_full(OWN_REALM)),
    "expert-answered.pcapng": lambda: _section(_full(Telling(status=None))),
    "expert-authtype16.pcapng": _story(auth_type=dcerpc.KERBEROS),
    "expert-ipv6.pcapng": _ip_6(),
    "expert-segmented.pcapng": _segmented,
    "expert-extended-error.pcapng": _story(extended_error=others.refusal_records(74)),
    "expert-kdc-error-7.pcapng": _story(kdc_error=7),
    "expert-cached.pcapng": _story(cached=True),
    "expert-enterprise-name.pcapng": _story(
        sname=kerberos.principal("novice@child.domainA.com", name_type=kerberos.NT_ENTERPRISE)
    ),
    "expert-flags23.pcapng": _story(fault_flags=dcerpc.WHOLE | dcerpc.Pfc.DID_NOT_EXECUTE, cached=True),
    "expert-access-denied.pcapng": _story(status=5, cached=True),
    "expert-midstream.pcapng": lambda: _section(class_factory().frames[5:]),
    "expert-client-side-only.pcapng": lambda: _section(_client_only()),
    "expert-snaplen-384.pcapng": lambda: _section(cut(exchange(), 384)),
    "novice.pcapng": lambda: _section(others.novice_side(ARTICLE)),
    "netlogon.log": _log,
}


BUILT = {
    "bind-nak-extended-error.pcap": others.refused_in_bind,
    "kerberos-bind-accepted.pcap": others.accepted_in_bind,
    "third-leg-refused.pcap": others.refused_third_leg,
    "second-context-refused.pcap": others.refused_second_context,
    "clock-skew-in-bind-ack.pcap": others.clock_skew,
    "ntlm-auth3-access-denied.pcap": lambda: others.ntlm_refused(5),
    "ntlm-auth3-sec-pkg-error.pcap": lambda: others.ntlm_refused(0x721),
    "request-signature-refused.pcap": others.deferred_refusal,
    "several-pdus-in-a-segment.pcap": others.several_in_a_segment,
    "big-endian.pcap": others.big_endian,
    "datagrams.pcap": others.datagrams,
    "pipe-smb1.pcap": pipes.smb1,
    "pipe-joined-late.pcap": pipes.joined_late,
    "pipe-encrypted.pcap": pipes.encrypted,
    "http.pcap": web.over_http,
    "port-refused.pcap": endpoints.port_refused,
    "not-registered.pcap": endpoints.not_registered,
    "activation.pcap": endpoints.activation,
    "ntlm-fallback.pcap": tickets.ntlm_fallback,
    "ldap-bind-refused.pcap": tickets.ldap_bind_refused,
    "referral.pcap": tickets.referral,
    "referral-stops.pcap": tickets.referral_stops,
    "secure-channel.pcap": domain_member.secure_channel_set_up,
}

# Refused tickets: what each rule about them fires on, and a near miss.
CAUSES_A = {
    "pac-no-dc.pcap": refused_tickets.no_domain_controller,
    "pac-no-dc-not.pcap": refused_tickets.domain_controller_answers,
    "pac-signature-bad.pcap": refused_tickets.validated_as(0xC000006D),
    "pac-signature-bad-not.pcap": refused_tickets.validated_as(0),
    "pac-dc-shutdown.pcap": refused_tickets.validated_as(0xC00000DC),
    "pac-dc-shutdown-not.pcap": refused_tickets.validated_as(0xC0000064),
    "pac-hardening-2024.pcap": refused_tickets.ticket_logon_unknown,
    "pac-hardening-2024-not.pcap": refused_tickets.logon_denied,
    "pac-hardening-2022.pcap": refused_tickets.delegation_refused,
    "pac-hardening-2022-not.pcap": refused_tickets.referral_refused,
    "ap-modified.pcap": refused_tickets.answered_with(41),
    "ap-modified-not.pcap": refused_tickets.refused_once,
    "ticket-expired.pcap": refused_tickets.expired_over_smb(renewed=False),
    "ticket-expired-not.pcap": refused_tickets.expired_over_smb(renewed=True),
    "ap-replay.pcap": refused_tickets.answered_with(34),
    "ap-replay-not.pcap": refused_tickets.used_twice,
    "handshake-incomplete.pcap": refused_tickets.broken_off,
    "handshake-incomplete-not.pcap": refused_tickets.cut_off,
}

SAMPLES: dict[str, Callable[[], bytes]] = {
    **{f"remote-assistance/{name}": make for name, make in ASSISTANCE.items()},
    **{f"built/{name}": _nanosecond_pcap(make) for name, make in BUILT.items()},
    **{f"causes/{name}": _nanosecond_pcap(make) for name, make in CAUSES_A.items()},
    "built/two-interfaces.pcapng": _two_interfaces,
}


def write_sums(sums: dict[str, str]) -> None:
    """Puts the sums into the entries that INDEX.toml has for these paths; nothing else of it changes."""
    index = FOLDER / "INDEX.toml"
    text = index.read_text(encoding="utf-8")
    for path, digest in sums.items():
        pattern = rf'(path = "{re.escape(path)}"\n(?:(?!\[\[).*\n)*?sha256 = ")[0-9a-f]*"'
        text = re.sub(pattern, rf'\g<1>{digest}"', text)
    index.write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Writes or compares every sample; names what differs."""
    differing = 0
    sums = {}
    for name, make in SAMPLES.items():
        path, octets = FOLDER / name, make()
        sums[name] = hashlib.sha256(octets).hexdigest()
        if path.exists() and path.read_bytes() == octets:
            continue
        differing += 1
        print(f"{name}: {'differs' if arguments else 'written'}, {len(octets)} octets")
        if not arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
    if not arguments and (FOLDER / "INDEX.toml").exists():
        write_sums(sums)
    return 1 if arguments and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
