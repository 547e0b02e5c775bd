#!/usr/bin/env python3
"""Builds the sample captures of this folder that were not recorded: the same octets in every run, everywhere.

    python captures/make_samples.py            write the files, and their sums into INDEX.toml
    python captures/make_samples.py --check    compare only; exit status 1 where a file differs

The builders are those of tests/builders; what is encrypted needs impacket, which this project depends on.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Sequence
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
from making import (  # noqa: E402
    broken,
    cast,
    credentials,
    domain_member,
    endpoints,
    kdc_refusals,
    keys,
    logon_channel,
    logs,
    others,
    pipes,
    refusals,
    refused_tickets,
    tickets,
    web,
)
from making.article import (  # noqa: E402
    ARTICLE,
    Telling,
    ask_for_ticket,
    ask_in_vain,
    class_factory,
    exchange,
    novice_tgt,
    presented,
    user_to_user_ticket,
)
from making.assistance import activation, from_activation, second_context, with_everyday  # noqa: E402
from making.views import AT_DC_B, AT_NOVICE, Place, seen_at  # noqa: E402

APPLICATION = "rpctrace make_samples.py"
OWN_REALM = Telling(realm=cast.SERVER_REALM, account_realm=cast.SERVER_REALM, kdc=cast.DC_B)
SLOW = Telling(answer_ms=45_163)  # the domain controller gave up after 45 seconds
SILENT = Telling(answer_ms=19_060)
NO_DC = Telling(answer_ms=21_160)
FIXED = Telling(status=None)
FIXED_LATE = Telling(status=None, answer_ms=165)
FLAGS_23 = Telling(fault_flags=dcerpc.WHOLE | dcerpc.Pfc.DID_NOT_EXECUTE)
NEW_YEAR = Telling(start_ns=cast.NEW_YEAR_NS)
BEFORE_NS = 3_000 * cast.MILLISECOND_NS  # what a capture at the other two computers holds of the time before


def _section(frames: Sequence[TimedFrame]) -> bytes:
    return pcapng(frames, interfaces=[Interface("Ethernet")], application=APPLICATION)


def _story(**changes: object) -> Callable[[], bytes]:
    """A pcapng of activation and failing exchange, told differently."""
    return lambda: _section(from_activation(Telling(**changes)))  # type: ignore[arg-type]  # names checked by Telling


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
    return _section(merged(activation(telling), damaged, ask_in_vain(telling), ask_for_ticket(telling)))


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


def _seen(place: Place, telling: Telling, logons: list[TimedFrame]) -> bytes:
    """The whole run at another computer, with what the novice's computer says to its domain controller."""
    return _section(seen_at(place, merged(with_everyday(telling), logons), telling.start_ns - BEFORE_NS))


def _refused_late(telling: Telling, logons: list[TimedFrame]) -> bytes:
    """Activation and exchange at the novice's computer."""
    return _section(seen_at(AT_NOVICE, merged(from_activation(telling), logons)))


def _novice(telling: Telling, status: int, after_ms: int = 4) -> bytes:
    return _refused_late(telling, logon_channel.validated(telling, status, after_ms))


def _keys() -> bytes:
    context = presented(ARTICLE)
    return keys.scenario_keys({
        "expert's ticket-granting ticket": credentials.granting(keys.EXPERT, cast.CHILD_REALM, cast.START_NS).session,
        "novice's ticket-granting ticket": novice_tgt(ARTICLE).session,
        "user-to-user ticket": user_to_user_ticket(ARTICLE).session,
        "ticket of RPCSS": credentials.to_computer(cast.START_NS).session,
        "what the server's AP-REP would have told": context.acceptor_subkey,
    })


ASSISTANCE: dict[str, Callable[[], bytes]] = {
    "expert.pcapng": lambda: _section(with_everyday(ARTICLE)),
    "expert.cap": lambda: netmon(with_everyday(ARTICLE)),
    "expert-own-realm.pcapng": lambda: _section(with_everyday(OWN_REALM)),
    "expert-answered.pcapng": lambda: _section(with_everyday(FIXED)),
    "expert-authtype16.pcapng": _story(auth_type=dcerpc.KERBEROS),
    "expert-ipv6.pcapng": _story(expert=cast.EXPERT_6, novice=cast.NOVICE_6, kdc=cast.DC_CHILD_6),
    "expert-segmented.pcapng": _segmented,
    "expert-extended-error.pcapng": _story(extended_error=others.refusal_records(74)),
    "expert-kdc-error-7.pcapng": _story(kdc_error=7),
    "expert-no-kdc-error.pcapng": _story(kdc_error=None),
    "expert-cached.pcapng": _story(cached=True),
    "expert-enterprise-name.pcapng": _story(
        sname=kerberos.principal("novice@child.domainA.com", name_type=kerberos.NT_ENTERPRISE)
    ),
    "expert-ms-principal.pcapng": _story(
        sname=kerberos.principal("CHILD\\novice", name_type=kerberos.NT_MS_PRINCIPAL)
    ),
    "expert-second-context.pcapng": lambda: _section(second_context()),
    "expert-flags23.pcapng": lambda: _section(class_factory(FLAGS_23).frames),
    "expert-access-denied.pcapng": lambda: _section(class_factory(Telling(status=5)).frames),
    "expert-midstream.pcapng": lambda: _section(class_factory().frames[5:]),
    "expert-client-side-only.pcapng": lambda: _section(_client_only()),
    "expert-snaplen-384.pcapng": lambda: _section(cut(exchange(), 384)),
    "expert-new-year.pcapng": lambda: _section(from_activation(NEW_YEAR)),
    "novice.pcapng": lambda: _seen(AT_NOVICE, ARTICLE, logon_channel.validated(ARTICLE)),
    "novice-fixed.pcapng": lambda: _novice(FIXED, 0),
    "novice-own-realm.pcapng": lambda: _novice(OWN_REALM, logon_channel.LOGON_FAILURE),
    "novice-no-logon-servers.pcapng": lambda: _novice(SLOW, logon_channel.NO_LOGON_SERVERS, 45_002),
    "novice-dc-silent.pcapng": lambda: _refused_late(SILENT, logon_channel.silent(SILENT)),
    "novice-no-dc.pcapng": lambda: _refused_late(NO_DC, logon_channel.no_domain_controller(NO_DC)),
    "dc.pcapng": lambda: _seen(AT_DC_B, ARTICLE, logon_channel.validated(ARTICLE)),
    "dc-passed-on.pcapng": lambda: _seen(AT_DC_B, FIXED_LATE, logon_channel.passed_on(FIXED_LATE)),
    "scenario.keytab": keys.scenario_keytab,
    "scenario.keys.json": _keys,
    **logs.LOGS,
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

# Of each rule one capture that it is about, and of most one beside it that looks alike
REFUSED_TICKETS = {
    "pac-no-dc": refused_tickets.no_domain_controller,
    "pac-no-dc-not": refused_tickets.domain_controller_answers,
    "pac-signature-bad": refused_tickets.validated_as(0xC000006D),
    "pac-signature-bad-not": refused_tickets.validated_as(0),
    "pac-dc-shutdown": refused_tickets.validated_as(0xC00000DC),
    "pac-dc-shutdown-not": refused_tickets.validated_as(0xC0000064),
    "pac-hardening-2024": refused_tickets.ticket_logon_unknown,
    "pac-hardening-2024-not": refused_tickets.logon_denied,
    "pac-hardening-2022": refused_tickets.delegation_refused,
    "pac-hardening-2022-not": refused_tickets.referral_refused,
    "ap-modified": refused_tickets.answered_with(41),
    "ap-modified-not": refused_tickets.refused_once,
    "ticket-expired": refused_tickets.expired_over_smb(renewed=False),
    "ticket-expired-not": refused_tickets.expired_over_smb(renewed=True),
    "ap-replay": refused_tickets.answered_with(34),
    "ap-replay-not": refused_tickets.used_twice,
    "handshake-incomplete": refused_tickets.broken_off,
    "handshake-incomplete-not": refused_tickets.cut_off,
}
CAUSES = {**REFUSED_TICKETS, **refusals.CAUSES, **kdc_refusals.REFUSALS, **broken.BROKEN}

SAMPLES: dict[str, Callable[[], bytes]] = {
    **{f"remote-assistance/{name}": make for name, make in ASSISTANCE.items()},
    **{f"built/{name}": _nanosecond_pcap(make) for name, make in BUILT.items()},
    "built/two-interfaces.pcapng": _two_interfaces,
    **{f"causes/{name}.pcap": _nanosecond_pcap(make) for name, make in CAUSES.items()},
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
