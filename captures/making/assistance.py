"""The whole run of a Remote Assistance by DCOM, on one true clock: names, referrals, activation on port 135, session
information, then the article's exchange; what the novice's computer asks its domain controller meanwhile; and what each
of the three computers sees of it, by its own clock.
"""

from __future__ import annotations

from functools import cache

from builders import CLIENT, SERVER, Host, TimedFrame, cldap, dcerpc, dns, merged, spnego, udp_frame
from builders.dcerpc import Context, Head, Result
from builders.kerberos import principal

from making import activations, cast, credentials, keys
from making.article import ARTICLE, Telling, exchange, resolution
from making.cast import DC_A, DC_B, DC_CHILD, EXPERT, EXPERT_6, MILLISECOND_NS, NOVICE, NOVICE_6, NOVICE_NAME
from making.contexts import MECHANISMS, KerberosContext, SealedCall, bind
from making.conversation_numbers import conversation_numbers
from making.credentials import Issuer
from making.everyday import everyday
from making.speech import ask_kdc, look_up, offered, say, talk

ARTICLE_HOSTS = 117  # the article's number of the conversation between the two computers over IPv4


def _names(telling: Telling) -> list[TimedFrame]:
    """The novice's computer has two addresses."""
    found = ((50221, dns.A, NOVICE, 0), (50222, dns.AAAA, NOVICE_6, 2))
    return [
        frame
        for port, kind, host, at in found
        for frame in look_up(
            (EXPERT, port), DC_B, telling.at(at), NOVICE_NAME, [dns.address_record(host.address)], kind
        )
    ]


def _alive(telling: Telling) -> list[TimedFrame]:
    """ServerAlive2 over IPv6, which comes first where both are there (RFC 6724 2.1); nobody is authenticated. What
    follows uses the addresses of its answer."""
    conversation = talk((EXPERT_6, 50213), (NOVICE_6, 135), telling.at(20))
    conversation.connect()
    contexts = [Context(0, dcerpc.IOBJECTEXPORTER), Context(1, dcerpc.IOBJECTEXPORTER, (dcerpc.bind_time_features(),))]
    conversation.send(CLIENT, dcerpc.bind(contexts))
    results = [Result(), dcerpc.FEATURES_ACCEPTED]
    conversation.send(SERVER, dcerpc.bind_ack(results, secondary_address="135"))
    conversation.send(CLIENT, dcerpc.request(b"", opnum=5))
    conversation.send(SERVER, dcerpc.response(activations.server_alive()))
    conversation.close()
    return conversation.frames


def _ping(telling: Telling, port: int, server: Host, at: float, domain: str, netbios_domain: str) -> list[TimedFrame]:
    """A domain controller of `domain` is asked whether it is there."""
    client, there = (EXPERT, port), (server, 389)
    told = cldap.answer(1, domain.lower(), cast.PARENT_REALM.lower(), netbios_domain, "dc1")
    return [
        TimedFrame(telling.at(at), udp_frame(client, there, cldap.ping(1, domain.lower()))),
        TimedFrame(telling.at(at + 1), udp_frame(there, client, told, padded=True)),
    ]


def _tickets(telling: Telling) -> list[TimedFrame]:
    """Three KDCs are asked for RPCSS of the novice's computer: two refer, the third grants."""
    start = telling.start_ns
    own = credentials.granting(keys.EXPERT, cast.CHILD_REALM, start)
    parent, other, service = (
        make(start) for make in (credentials.to_parent, credentials.to_other_forest, credentials.to_computer)
    )
    way = (
        (own, cast.CHILD_REALM, parent, DC_CHILD, 50223, 35),
        (parent, cast.PARENT_REALM, other, DC_A, 50224, 45),
        (other, cast.SERVER_REALM, service, DC_B, 50225, 50),
    )
    frames = []
    for given, realm, granted, kdc, port, at in way:
        asked = credentials.exchange(given, credentials.RPCSS, granted, telling.at(at), realm=realm)
        frames += ask_kdc((EXPERT, port), kdc, telling.at(at), asked.request, asked.reply)
    return frames


def prelude(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """Before the first word over IPv4 between the two: names, ServerAlive2, domain controllers, tickets."""
    where = f"_kerberos._tcp.dc._msdcs.{cast.PARENT_REALM}"
    record = [dns.service_record(f"dc1.{cast.PARENT_REALM.lower()}", 88)]
    return merged(
        _names(telling),
        _alive(telling),
        _ping(telling, 50226, DC_CHILD, 30, cast.CHILD_REALM, "CHILD"),
        _tickets(telling),
        look_up((EXPERT, 50227), DC_B, telling.at(40), where, record, dns.SRV),
        _ping(telling, 50228, DC_A, 42, cast.PARENT_REALM, "DOMAINA"),
    )


def activation(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """On port 135 RemoteCreateInstance, on the port told GetSessionInfo, on 135 again RemoteGetClassObject in the
    novice's session; and, when that was refused, RemoteCreateInstance of the class of an older Windows."""
    service = credentials.to_computer(telling.start_ns)
    activator = talk((telling.expert, 50214), (telling.novice, 135), telling.at(57))
    activator.connect()
    context = KerberosContext(service, telling.at(60))
    bind(activator, telling.at(60), dcerpc.ISYSTEMACTIVATOR, context)
    SealedCall(4, *activations.sessions_instance(), 2).speak(activator, telling.at(66), context)
    sessions = talk((telling.expert, 50215), (telling.novice, cast.SESSIONS_PORT), telling.at(80))
    sessions.connect()
    inside = KerberosContext(service, telling.at(82))
    bind(sessions, telling.at(82), activations.IRASRV, inside)
    info = SealedCall(8, *activations.session_info(), 2, object_uuid=activations.SESSIONS_IPID)
    info.speak(sessions, telling.at(88), inside)
    SealedCall(3, *activations.class_factory_in_session(), 3).speak(activator, telling.at(120), context)
    if telling.status is not None:
        after = telling.at(telling.answer_ms + 7)
        SealedCall(4, *activations.help_instance(), 4, takes_ns=6 * MILLISECOND_NS).speak(activator, after, context)
    return merged(activator.frames, sessions.frames)


def from_activation(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """The part between the two computers and what the KDC of the novice's account is asked, as a capture shows it that
    begins when names and tickets are in the caches. The ticket for RPCSS tells the realm of the novice's computer."""
    return merged(activation(telling), exchange(telling))


def whole_story(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """What the expert's computer sees of it."""
    return merged(prelude(telling), activation(telling), resolution(telling), exchange(telling))


def second_context(telling: Telling = ARTICLE) -> list[TimedFrame]:
    """A connection that works (context 0); then a second security context presents a ticket for an account whose keys
    the server does not have, in an alter_context of its own call id, and is refused. No user-to-user in it."""
    conversation = talk((EXPERT, 50217), (NOVICE, cast.CLASS_FACTORY_PORT), telling.at(138))
    conversation.connect()
    context = KerberosContext(credentials.to_computer(telling.start_ns), telling.at(140))
    bind(conversation, telling.at(140), dcerpc.ICLASSFACTORY, context)
    call = SealedCall(3, *activations.create_instance(), 2, object_uuid=activations.FACTORY_IPID)
    call.speak(conversation, telling.at(146), context)
    issuer = Issuer(keys.service(keys.OTHER_SERVICE), 3, keys.KRBTGT[cast.SERVER_REALM])
    service = principal("dcom", keys.OTHER_SERVICE)
    other = credentials.issue(keys.EXPERT, cast.SERVER_REALM, service, issuer, telling.start_ns)
    another = KerberosContext(other, telling.at(170), context_id=1)
    token = spnego.neg_token_init(MECHANISMS, another.ap_req())
    altered = dcerpc.alter_context(offered(dcerpc.ICLASSFACTORY)[:1], another.head(token, call_id=3))
    say(conversation, telling.at(170), CLIENT, altered)
    say(conversation, telling.at(174), SERVER, dcerpc.fault(0x721, Head(3)))
    call = SealedCall(3, *activations.create_instance(), 4, object_uuid=activations.FACTORY_IPID)
    call.speak(conversation, telling.at(180), context)
    conversation.close()
    return conversation.frames


@cache
def with_everyday(telling: Telling = ARTICLE) -> tuple[TimedFrame, ...]:
    """The same, behind a minute of which the conversations are so many that Network Monitor gives to those of the
    article the article's numbers."""
    some = 100
    early = prelude(telling)
    added = _highest(merged(everyday(some, telling.start_ns), early)) - some
    return tuple(merged(everyday(ARTICLE_HOSTS - 1 - added, telling.start_ns), whole_story(telling)))


def _highest(frames: list[TimedFrame]) -> int:
    return max(max(numbers) for numbers in conversation_numbers(frames))
