"""An NTLM authentication that came shortly after a Kerberos error of the same client -> that error.

The latest error about the host that NTLM was spoken to, where names tell; else the latest. One that a success has made
good since does not count.
Steps that every client goes through (pre-authentication asked for, too big for UDP) are no errors.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from rpctrace.correlation.hosts import same_hosts
from rpctrace.correlation.realms import is_host_service
from rpctrace.correlation.timeline import Position, Timeline
from rpctrace.encoding.addresses import is_address
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, KerberosExchange, Ntlm, Report

# Negotiate falls back at once; what lies between is asking further KDCs, each with its own time to wait.
FALLBACK_NS = 30_000_000_000
ERRORS_LOOKED_THROUGH = 32  # backwards from the authentication
_NTLM_TOKENS = frozenset(("NEGOTIATE", "AUTHENTICATE"))


class _Error(NamedTuple):
    position: Position
    exchange: KerberosExchange


_Client = tuple[int, str]  # line of time, address


def join(report: Report) -> Report:
    failures = _Failures(report)
    return replace(
        report,
        calls=tuple([_call(call, failures) if _negotiates(call) else call for call in report.calls]),
        authentications=tuple(_authentication(each, failures) for each in report.authentications),
    )


def _negotiates(call: Call) -> bool:
    return call.auth is not None and call.auth.mechanism == "ntlm" and call.auth.token in _NTLM_TOKENS


def _call(call: Call, failures: _Failures) -> Call:
    frame = call.request_frames[-1] if call.request_frames else None
    error = failures.before(call, frame, None, call.auth.ntlm if call.auth else None)
    if call.auth is None or call.auth.after_error == error:
        return call
    return replace(call, auth=replace(call.auth, after_error=error))


def _authentication(said: Authentication, failures: _Failures) -> Authentication:
    ntlm = said.mechanism == "ntlm" and not _NTLM_TOKENS.isdisjoint(said.tokens)
    error = failures.before(said, said.request_frame, said.target, said.ntlm) if ntlm else None
    return said if said.after_error == error else replace(said, after_error=error)


class _Failures:
    """The Kerberos errors of every client, and what made them good."""

    def __init__(self, report: Report) -> None:
        self._timeline = Timeline(report.clocks)
        self._hosts = same_hosts(report.kerberos)
        self._errors: dict[_Client, list[_Error]] = defaultdict(list)
        self._successes: dict[tuple[_Client, Hashable], list[Position]] = defaultdict(list)
        for each in report.kerberos:
            client = self._client(each)
            position = self._timeline.position(each.capture, each.reply_ns, each.reply_frame)
            if each.error is None and each.reply is not None:
                self._successes[client, _sought(each)].append(position)
            elif each.refused:
                self._errors[client].append(_Error(position, each))
        for errors in self._errors.values():
            errors.sort(key=lambda error: error.position)
        for positions in self._successes.values():
            positions.sort()

    def before(
        self, said: Call | Authentication, frame: int | None, target: str | None, ntlm: Ntlm | None
    ) -> str | None:
        """The id of the error that an NTLM authentication follows; `target`: the host as its client wrote it."""
        client = self._client(said)
        errors = self._errors.get(client)
        if errors is None or frame is None or said.request_ns is None:
            return None
        position = self._timeline.position(said.capture, said.request_ns, frame)
        end = bisect_left(errors, position, key=lambda error: error.position)
        asked = host_names((target,))
        answering = host_names((said.server.address, said.server.name, *((ntlm.target, ntlm.computer) if ntlm else ())))
        latest: str | None = None
        for error in reversed(errors[max(0, end - ERRORS_LOOKED_THROUGH) : end]):
            if position[0] - error.position[0] > FALLBACK_NS:
                break
            if self._made_good(client, error, position) or _another_user(error.exchange, ntlm):
                continue
            about = host_names((service_host(error.exchange.sname),))
            if about & (asked | answering):
                return error.exchange.id
            if latest is None and not (about and asked):
                latest = error.exchange.id
        return latest

    def _client(self, record: Call | Authentication | KerberosExchange) -> _Client:
        address = record.client.address
        return self._timeline.line(record.capture), self._hosts.get(address, address)

    def _made_good(self, client: _Client, error: _Error, until: Position) -> bool:
        successes = self._successes.get((client, _sought(error.exchange)), ())
        after = bisect_right(successes, error.position)
        return after < len(successes) and successes[after] < until


def _sought(exchange: KerberosExchange) -> Hashable:
    """What a later success must be about to make an error good: the same client's ticket, the same service."""
    names = exchange.cname if exchange.kind == "AS" else exchange.sname
    return exchange.kind == "AS", tuple(each.casefold() for each in names)


def _another_user(error: KerberosExchange, ntlm: Ntlm | None) -> bool:
    """Whether NTLM speaks for somebody else than the logon that failed."""
    if error.kind != "AS" or not error.cname or ntlm is None or not ntlm.user:
        return False
    return error.cname[0].split("@")[0].casefold() != ntlm.user.casefold()


def service_host(sname: Sequence[str]) -> str | None:
    """The host of service/host:port or service/host/realm; of a ticket-granting service, of a user, none."""
    return sname[1].split(":")[0] if is_host_service(sname) else None


def host_names(names: Iterable[str | None]) -> set[str]:
    """By what hosts can be compared: addresses, names, and names without their domain; of \\\\host\\share the host."""
    found: set[str] = set()
    for name in names:
        host = (name or "").lstrip("\\").split("\\")[0].casefold()
        if host:
            found |= {host} if is_address(host) else {host, host.split(".")[0]}
    return found
