"""DUALSTRINGARRAY ([MS-DCOM] 2.2.19): where an object exporter listens, and which security it takes there."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack

from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.stub import NamedEndpoint, pipe_name

LAYER = "dcom.DUALSTRINGARRAY"
MAXIMUM_BINDINGS = 256  # of either kind; Windows sends one for each address and provider

# [MS-DCOM] 2.2.19.3 and [C706] Appendix I: the tower identifiers that occur, as protocol sequences
PROTOCOL_SEQUENCES = {
    0x07: "ncacn_ip_tcp", 0x08: "ncadg_ip_udp", 0x0C: "ncacn_spx", 0x0E: "ncadg_ipx", 0x0F: "ncacn_np",
    0x10: "ncalrpc", 0x12: "ncacn_nb_nb", 0x1F: "ncacn_http",
}  # fmt: skip


class StringBinding(NamedTuple):
    """STRINGBINDING: `network_address` as it stands, `host[endpoint]` or `host` alone (port 135 is meant)."""

    tower_id: int
    network_address: str

    @property
    def protocol(self) -> str:
        """The protocol sequence; `tower 0x..` for an identifier without one."""
        return PROTOCOL_SEQUENCES.get(self.tower_id, f"tower 0x{self.tower_id:02x}")

    @property
    def host(self) -> str:
        return self.network_address.partition("[")[0].strip("\\")  # of a pipe's server: \\\\HOST

    @property
    def endpoint(self) -> str | None:
        """What stands in the brackets."""
        _host, bracket, endpoint = self.network_address.partition("[")
        return endpoint.removesuffix("]") if bracket else None

    @property
    def port(self) -> int | None:
        """Of TCP, UDP or HTTP; None where the binding names none."""
        endpoint = self.endpoint
        if endpoint is None or not endpoint.isascii() or not endpoint.isdigit():
            return None
        return int(endpoint) if len(endpoint) <= 5 and int(endpoint) < 65536 else None


class SecurityBinding(NamedTuple):
    """SECURITYBINDING: an authentication service (auth_type), and the principal to name to it."""

    authn_service: int
    authz_service: int
    principal: str


class Bindings(NamedTuple):
    strings: tuple[StringBinding, ...]
    securities: tuple[SecurityBinding, ...]


NO_BINDINGS = Bindings((), ())


def parse_bindings(reader: Reader) -> Bindings:
    """A DUALSTRINGARRAY in the order of the reader. An entry without its end is left out.

    Raises `Truncated`, or `Malformed` where there are more than `MAXIMUM_BINDINGS` of a kind."""
    entries, security_offset = reader.u16(), reader.u16()
    octets = bytes(reader.take(2 * entries))
    words = unpack(f"{'<' if reader.little_endian else '>'}{entries}H", octets)
    strings = tuple(
        StringBinding(words[at], _text(words[at + 1 : end])) for at, end in _entries(words[:security_offset], 1)
    )
    behind = words[security_offset:]
    securities = tuple(
        SecurityBinding(behind[at], behind[at + 1], _text(behind[at + 2 : end])) for at, end in _entries(behind, 2)
    )
    return Bindings(strings, securities)


def _entries(words: tuple[int, ...], fixed: int) -> Iterator[tuple[int, int]]:
    """Where each entry begins and its text ends: `fixed` words, a text up to a zero; an empty entry ends the list."""
    at = count = 0
    while at + fixed < len(words) and words[at] != 0:
        try:
            end = words.index(0, at + fixed)
        except ValueError:
            return
        count += 1
        if count > MAXIMUM_BINDINGS:
            raise Malformed(LAYER, 2 * at, f"more than {MAXIMUM_BINDINGS} bindings")
        yield at, end
        at = end + 1


def _text(words: tuple[int, ...]) -> str:
    return b"".join(word.to_bytes(2, "little") for word in words).decode("utf-16-le", "surrogatepass")


def endpoints_of(
    bindings: tuple[StringBinding, ...], oxid: int | None, ipid_rem_unknown: str | None, clsid: str | None = None
) -> Iterator[NamedEndpoint]:
    """The bindings of an object exporter that name an endpoint; those of a resolver name none."""
    for binding in bindings:
        if binding.endpoint:
            port = binding.port
            yield NamedEndpoint(
                binding.protocol,
                binding.host or None,
                port,
                pipe_name(binding.endpoint) if port is None else None,
                oxid=oxid,
                ipid_rem_unknown=ipid_rem_unknown,
                clsid=clsid,
            )
