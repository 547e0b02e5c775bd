"""One HTTP/1.x connection: which requests authenticate, what the server answers, and the RPC that travels in bodies.

[RFC 4559], [MS-NTHT] 2.1, and the schemes Kerberos (WinRM) and NTLM: tokens go in Authorization and WWW-Authenticate,
for a proxy in Proxy-Authorization and Proxy-Authenticate. Answers come in the order of the requests (RFC 9112 9.3.2).
[MS-RPCH]: RPC_IN_DATA and RPC_OUT_DATA are halves of a virtual connection, RPC_CONNECT turns the connection into one,
and so does the server of the inner hop with its first octets.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.gssapi.spnego import NegState, NegTokenResp
from rpctrace.protocols.gssapi.token import AuthType, TokenKind, read_token
from rpctrace.protocols.http.headers import Head, SchemeToken
from rpctrace.protocols.http.messages import UNTIL_CLOSE, Body, MessageReader, Said, Sink, behind
from rpctrace.protocols.http.recognition import INNER_BANNER, MAXIMUM_SEARCH_OCTETS
from rpctrace.protocols.http.virtual_connections import Hop, Tunnel, VirtualConnections
from rpctrace.stream.stream import Chunk, Direction, Gap

MAXIMUM_PENDING_REQUESTS = 1_000  # sent ahead of their answers

UNAUTHORIZED, PROXY_AUTHENTICATION_REQUIRED = 401, 407
# A request that was not understood, and a gateway that has no answer: whether the token was taken is not told.
_TELL_NOTHING = frozenset((400, 408, 431, 502, 503, 504))
_WITHOUT_BODY = frozenset((204, 304))  # RFC 9112 6.3
# [MS-RPCH] 2.1.1.1, 2.1.2.1
_DIRECT, _IN, _OUT = "RPC_CONNECT", "RPC_IN_DATA", "RPC_OUT_DATA"
_RPC_SERVER = re.compile(r"[^?]*\?(?P<server>[^&#]+)")
_NOTHING: Sequence[Said] = ()


class _Side(NamedTuple):
    """Who is authenticated to: the origin server or a proxy."""

    request_field: bytes
    answer_field: bytes
    challenge_status: int


_SIDES = (
    _Side(b"authorization", b"www-authenticate", UNAUTHORIZED),
    _Side(b"proxy-authorization", b"proxy-authenticate", PROXY_AUTHENTICATION_REQUIRED),
)
_FIELDS = tuple(field for side in _SIDES for field in (side.request_field, side.answer_field))


class _Request(NamedTuple):
    """A request without an answer so far. `tokens`: by side, the scheme of the client's token."""

    method: str
    tokens: tuple[tuple[int, str], ...] = ()
    tunnel: Tunnel | None = None


@lru_cache(maxsize=64)  # most requests are remembered for their method alone
def _plain(method: str) -> _Request:
    return _Request(method)


class HttpConnection:
    """A dissector of one connection: legs of authentications, and the events of RPC channels.

    `virtual` is shared by all connections of a capture. Unless `every_request` is asked for, a connection whose first
    request and first answer show neither a token nor RPC is let go: most HTTP never does. `limits` counts
    `http_head_octets` and `http_requests` reached.
    """

    def __init__(
        self,
        problems: Problems,
        *,
        joined_late: bool,
        virtual: VirtualConnections | None = None,
        every_request: bool = False,
    ) -> None:
        self.limits: dict[str, int] = {}
        self._joined_late = joined_late
        self._virtual = VirtualConnections(problems) if virtual is None else virtual
        start = not joined_late
        self._readers = (
            MessageReader(0, self, problems, self.limits, from_start=start),
            MessageReader(1, self, problems, self.limits, from_start=start),
        )
        self._pending: deque[_Request] = deque()
        self._session = 1  # of authentications to the origin server; the next one is the proxy's
        self._recognised = False
        self._opaque = False
        self._banner = not joined_late  # whether the server's first octets, so far `_greeting`, may be that
        self._greeting = b""
        self._undecided: set[Direction] = set() if joined_late or every_request else {0, 1}
        self._searching = joined_late and not every_request
        self._searched = [0, 0]

    @property
    def is_other(self) -> bool:
        if self._opaque:
            return True
        if self._searching:
            return min(self._searched) > MAXIMUM_SEARCH_OCTETS
        if not self._recognised:
            return all(reader.mismatched for reader in self._readers)
        return bool(self._undecided) and all(self._readers[each].mismatched for each in self._undecided)

    def skippable(self, direction: Direction) -> int:
        return self._readers[direction].skippable

    def feed(self, chunk: Chunk) -> Sequence[Said]:
        if self._opaque:
            return _NOTHING
        if self._banner and chunk.direction == 1:
            greeting = self._greeting + bytes(chunk.octets[: len(INNER_BANNER) - len(self._greeting)])
            if greeting == INNER_BANNER:
                return self._inner_hop(chunk)
            if INNER_BANNER.startswith(greeting):
                self._greeting = greeting
                return _NOTHING
            self._banner = False
        if self._searching:
            self._searched[chunk.direction] += len(chunk.octets)
        return self._readers[chunk.direction].feed(chunk)

    def gap(self, gap: Gap) -> Sequence[Said]:
        if self._opaque:
            return _NOTHING
        self._banner = self._banner and gap.direction == 0
        return self._readers[gap.direction].gap(gap)

    def end(self, direction: Direction) -> Sequence[Said]:
        return _NOTHING if self._opaque else self._readers[direction].end()

    # What the readers tell

    def head(self, direction: Direction, head: Head, provenance: Provenance, said: list[Said]) -> Body:
        """A header section; what follows it."""
        self._recognised = True
        self._banner = False
        if (self._undecided or self._searching) and not self._goes_on(direction, head):
            return Body(UNTIL_CLOSE)
        if head.status is None:
            return self._request(direction, head, provenance, said)
        return self._answer(direction, head, provenance, said)

    def _goes_on(self, direction: Direction, head: Head) -> bool:
        """Whether to go on behind this header section, which may be the first of its direction."""
        if head.method in (_DIRECT, _IN, _OUT) or any(head.authentication(field) for field in _FIELDS):
            self._undecided.clear()
            self._searching = False
            return True
        interim = head.status is not None and head.status < 200 and head.status != 101
        if self._searching or interim:
            return True
        self._undecided.discard(direction)
        self._opaque = not self._undecided
        return not self._opaque

    def lost(self) -> None:
        """A request or an answer may be missing, so that the next answer is not that of the oldest request."""
        if self._recognised:
            self._pending.clear()
            self._session += len(_SIDES)

    # Requests

    def _request(self, direction: Direction, head: Head, provenance: Provenance, said: list[Said]) -> Body:
        method = head.method or ""
        tokens: list[tuple[int, str]] = []
        for side, (field, _, _) in enumerate(_SIDES):
            if field not in head.fields:
                continue
            for scheme, token in head.authentication(field)[:1]:
                tokens.append((side, scheme))
                target = _target_of(head, side)
                said.append(self._leg(side, direction, token, None, None, target, provenance))
        tunnel = self._tunnel(method, head)
        self._remember(_Request(method, tuple(tokens), tunnel) if tokens or tunnel else _plain(method))
        sink = None if tunnel is None else tunnel.sink(0, carries=method != _OUT)
        if method == _DIRECT:
            return Body(UNTIL_CLOSE, sink=sink)
        if head.chunked:
            return Body(0, chunked=True, sink=sink)
        return Body(head.content_length or 0, sink=sink if head.content_length else None)

    def _remember(self, request: _Request) -> None:
        if len(self._pending) >= MAXIMUM_PENDING_REQUESTS:
            self.limits["http_requests"] = self.limits.get("http_requests", 0) + 1
            self._pending.popleft()
        self._pending.append(request)

    def _tunnel(self, method: str, head: Head) -> Tunnel | None:
        if method == _DIRECT:
            return self._virtual.half(Hop.PROXY, head.target, joined_late=self._joined_late)
        if method not in (_IN, _OUT):
            return None
        named = _RPC_SERVER.match(head.target)
        server = named["server"] if named else None
        return self._virtual.half(Hop.PROXY, server, joined_late=self._joined_late)

    # Answers

    def _answer(self, direction: Direction, head: Head, provenance: Provenance, said: list[Said]) -> Body:
        status = head.status or 0
        request = self._pending[0] if self._pending else None
        if status < 200 and status != 101:
            return Body(0)
        if request is not None:
            self._pending.popleft()
            if not self._pending:
                self._readers[1 - direction].answered()
            for side, scheme in request.tokens:
                self._judge(side, scheme, direction, head, provenance, said)
        elif b"www-authenticate" in head.fields or b"proxy-authenticate" in head.fields:
            self._without_request(direction, head, provenance, said)
        taken = 200 <= status < 300
        if status == 101 or (request is not None and request.method == "CONNECT" and taken):
            self._opaque = True
            return Body(UNTIL_CLOSE)
        tunnel = request.tunnel if request is not None and taken else None
        sink = None
        if request is not None and tunnel is not None and request.method != _IN:
            sink = tunnel.sink(1, carries=True)
            if request.method == _DIRECT:
                return Body(UNTIL_CLOSE, sink=sink)
        return _answer_body(head, request, sink)

    def _judge(
        self, side: int, scheme: str, direction: Direction, head: Head, provenance: Provenance, said: list[Said]
    ) -> None:
        """The answer to a request that authenticated."""
        status = head.status
        _, field, challenge = _SIDES[side]
        token = _token_of(head.authentication(field), scheme)
        outcome: bool | None
        if status == challenge:
            outcome = None if token and _asks_on(token) else False
        elif token:
            outcome = True
        else:
            # a proxy that asks first keeps the request from the server; a 401 has passed the proxy
            kept = side == 0 and status == PROXY_AUTHENTICATION_REQUIRED
            outcome = None if kept or status in _TELL_NOTHING else True
        said.append(self._leg(side, direction, token, status, outcome, None, provenance))

    def _without_request(
        self, direction: Direction, head: Head, provenance: Provenance, said: list[Said]
    ) -> None:
        """An answer to a request that the capture does not hold tells of an authentication only by a token."""
        for side, (_, field, challenge) in enumerate(_SIDES):
            token = _token_of(head.authentication(field), "")
            if token:
                outcome = (None if _asks_on(token) else False) if head.status == challenge else True
                said.append(self._leg(side, direction, token, head.status, outcome, None, provenance))

    def _leg(
        self, side: int, direction: Direction, token: bytes | None, status: int | None, outcome: bool | None,
        target: str | None, provenance: Provenance,
    ) -> Leg:  # fmt: skip
        octets = memoryview(token or b"")
        return Leg("http", self._session + side, direction, octets, status, outcome, target, provenance)

    # [MS-RPCH] 2.1.1.2: the inner hop, on which DCE/RPC follows the server's first octets without HTTP
    def _inner_hop(self, chunk: Chunk) -> Sequence[Said]:
        self._recognised = True
        self._banner = False
        self._undecided.clear()
        tunnel = self._virtual.half(Hop.SERVER, None, joined_late=self._joined_late)
        self._readers[0].follow(Body(UNTIL_CLOSE, sink=tunnel.sink(0, carries=True)))
        self._readers[1].follow(Body(UNTIL_CLOSE, sink=tunnel.sink(1, carries=True)))
        return self._readers[1].feed(behind(chunk, len(INNER_BANNER) - len(self._greeting)))


def _target_of(head: Head, side: int) -> str | None:
    """Whom a request authenticates to: its host, or for a proxy what it is to reach."""
    if side or head.host is None:
        return head.target or None
    return head.host


def _token_of(offered: list[SchemeToken], scheme: str) -> bytes | None:
    """The token of the client's scheme, else any."""
    tokens = [each for each in offered if each.token]
    return next((each.token for each in tokens if each.scheme == scheme), tokens[0].token if tokens else None)


def _asks_on(octets: bytes) -> bool:
    """Whether the token of a 401 asks for the next leg."""
    token = read_token(AuthType.SPNEGO, octets)
    rejects = isinstance(token.spnego, NegTokenResp) and token.spnego.state is NegState.REJECT
    return not rejects and token.kind is not TokenKind.KRB_ERROR


# RFC 9112 6.3
def _answer_body(head: Head, request: _Request | None, sink: Sink | None) -> Body:
    if head.status in _WITHOUT_BODY or (request is not None and request.method == "HEAD"):
        return Body(0)
    if head.chunked:
        return Body(0, True, sink)
    length = head.content_length
    return Body(UNTIL_CLOSE if length is None else length, False, sink)
