"""Made-up DCE/RPC conversations that succeed: Kerberos, NTLM and none, over TCP and through pipes, and much to say."""

from __future__ import annotations

from collections.abc import Sequence

from builders import dcerpc, filler, kerberos, ntlm, spnego
from builders.dcerpc import Head, Result, Security

from benchmarks import smb
from benchmarks.noise import Pool
from benchmarks.wire import CLIENT, SERVER, Turn

ENDPOINT_MAPPER_PORT = 135
STUB_OCTETS = (24, 60, 120, 300, 900, 2_600)
CALLS = (2, 6, 20, 60)
FRAGMENT_OCTETS = 4_096
# How a sealed PDU's signature begins (RFC 4121 4.2.6.2 Wrap token; [MS-NLMP] 2.2.2.9.1), and how much follows.
_SIGNATURES = {dcerpc.SPNEGO: (bytes.fromhex("050407ff0000001c"), 68), dcerpc.NTLM: (bytes.fromhex("01000000"), 12)}
# Nobody knows it, so nobody takes made-up stubs apart that are not sealed.
UNKNOWN_INTERFACE = dcerpc.SyntaxId("5b1c9d3e-7a40-4f6e-9c15-2d8e6a3b7f01", 1)
INTERFACES = (
    dcerpc.LSARPC,
    dcerpc.NETLOGON_INTERFACE,
    dcerpc.ISYSTEMACTIVATOR,
    dcerpc.SyntaxId("367abb81-9844-35f1-ad32-98f038001003", 2),  # svcctl
    dcerpc.SyntaxId("12345778-1234-abcd-ef00-0123456789ac", 1),  # samr
)
Pair = tuple[bytes, bytes]  # what the client says, what the server answers


def _bind(interface: dcerpc.SyntaxId, head: Head, answered: Head) -> Pair:
    asked = dcerpc.bind([dcerpc.Context(0, interface)], head)
    return asked, dcerpc.bind_ack([Result()], answered, secondary_address="49670")


def _secured(token: bytes, auth_type: int = dcerpc.SPNEGO) -> Head:
    return Head(1, dcerpc.WHOLE, Security(auth_type, dcerpc.PRIVACY, token))


def kerberos_legs(interface: dcerpc.SyntaxId, realm: str, service: kerberos.Principal) -> list[Pair]:
    """bind with AP-REQ, bind_ack with AP-REP, alter_context with the third leg, its answer ([MS-KILE] 3.4.5.1)."""
    asked = spnego.neg_token_init(mech_token=kerberos.ap_req(kerberos.ticket(realm, service, kvno=2)))
    answered = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.ap_rep())
    third = spnego.neg_token_resp(None, None, kerberos.ap_rep(cipher=filler("third leg", 68)))
    done = spnego.neg_token_resp(spnego.ACCEPT_COMPLETED)
    return [
        _bind(interface, _secured(asked), _secured(answered)),
        (
            dcerpc.alter_context([dcerpc.Context(0, interface)], _secured(third)),
            dcerpc.alter_context_resp([Result()], _secured(done)),
        ),
    ]


def ntlm_legs(interface: dcerpc.SyntaxId) -> list[Pair]:
    """bind with NEGOTIATE, bind_ack with CHALLENGE, auth3 with AUTHENTICATE, which nothing answers."""
    negotiate, challenge = ntlm.negotiate(), ntlm.challenge("EXAMPLE", [(ntlm.AV_NB_DOMAIN, "EXAMPLE")])
    last = ntlm.authenticate("EXAMPLE", "alice", "CLIENT7")
    pair = _bind(interface, _secured(negotiate, dcerpc.NTLM), _secured(challenge, dcerpc.NTLM))
    return [pair, (dcerpc.auth3(_secured(last, dcerpc.NTLM)), b"")]


def _call(call_id: int, auth_type: int | None, pool: Pool) -> Pair:
    security = None
    if auth_type is not None:
        begin, rest = _SIGNATURES[auth_type]
        security = Security(auth_type, dcerpc.PRIVACY, begin + pool.draw(rest), alignment=16)
    head = Head(call_id, dcerpc.WHOLE, security)
    asked, answered = (pool.draw(pool.chance.choice(STUB_OCTETS)) for _ in range(2))
    if pool.chance.randrange(24) == 0:
        answered = pool.draw(3 * FRAGMENT_OCTETS)
    return (
        dcerpc.request(asked, head, opnum=pool.chance.randrange(60)),
        b"".join(dcerpc.response_fragments(answered, FRAGMENT_OCTETS, head)),
    )


def conversation(pool: Pool, calls: int | None = None) -> list[Pair]:
    """One association: how it authenticates, with whom, and how often it calls are drawn."""
    interface = pool.chance.choice(INTERFACES)
    auth_type = pool.chance.choice((dcerpc.SPNEGO, dcerpc.SPNEGO, dcerpc.NTLM, None))
    number = pool.chance.randrange(40)
    if auth_type == dcerpc.SPNEGO:
        pairs = kerberos_legs(interface, "EXAMPLE.COM", kerberos.principal("host", f"server{number}.example.com"))
    elif auth_type == dcerpc.NTLM:
        pairs = ntlm_legs(interface)
    else:
        pairs = [_bind(UNKNOWN_INTERFACE, Head(1), Head(1))]
    wanted = pool.chance.choice(CALLS) if calls is None else calls
    return pairs + [_call(2 + index, auth_type, pool) for index in range(wanted)]


def over_tcp(pairs: Sequence[Pair]) -> list[Turn]:
    return [turn for asked, answered in pairs for turn in ((CLIENT, asked), (SERVER, answered)) if turn[1]]


def through_pipe(pairs: Sequence[Pair], pool: Pool) -> list[Turn]:
    """The same through a named pipe; without the pairs that nothing answers, and what does not fit one answer."""
    return smb.pipe(pool, "lsarpc", [pair for pair in pairs if pair[1] and len(pair[1]) <= FRAGMENT_OCTETS])
