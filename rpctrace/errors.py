"""What can go wrong, as values: one root, five leaves.

Errors carry numbers (layer, offset, octets needed, octets available), not sentences; `str()` words them once, here.
A parser raises only `ParseError`; whoever drives a parser catches it, keeps it as a `Problem` and goes on.
"""

from __future__ import annotations


class RpctraceError(Exception):
    """Root of everything that rpctrace raises on purpose."""


class CaptureError(RpctraceError):
    """A capture file from which nothing can be read: no capture, unsupported version, not there.

    `path` is shown as given, `reason` is one line for a person, `offset` counts from the start of the unpacked file.
    """

    def __init__(self, path: str, reason: str, offset: int | None = None) -> None:
        super().__init__(path, reason, offset)
        self.path = path
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at octet {self.offset})"
        return f"{self.path}: {self.reason}{where}"


class ParseError(RpctraceError):
    """Octets that do not read as what they should be.

    `layer` names the specification's structure (`dcerpc.bind`, `kerberos.AP-REQ`), `offset` is octets from the start
    of what the parser was given.
    """

    def __init__(self, layer: str, offset: int, detail: str = "") -> None:
        super().__init__(layer, offset, detail)
        self.layer = layer
        self.offset = offset
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.layer}: {self.detail or 'not readable'} at octet {self.offset}"


class Truncated(ParseError):
    """The octets end before the structure does: `needed` octets at `offset`, `available` there."""

    def __init__(self, layer: str, offset: int, needed: int, available: int) -> None:
        super().__init__(layer, offset, f"{needed} octets needed, {available} available")
        self.needed = needed
        self.available = available

    def __reduce__(self) -> tuple[type[Truncated], tuple[str, int, int, int]]:
        return Truncated, (self.layer, self.offset, self.needed, self.available)


class Malformed(ParseError):
    """The octets are there and cannot be right (a length past its frame, a wrong magic, too deep a nesting)."""


class UsageError(RpctraceError):
    """The caller asked for something that does not exist or does not fit together."""


class EngineError(RpctraceError):
    """A helper outside this process (tshark, a worker) failed."""
