"""HTTP/1.x: the octets of a header section -> the start line and the few fields that matter here.

A section that a capture cut gives what stands before the cut; a field value that the cut ends is kept, so that half a
token can be read as far as it goes. Field values are octets: nobody says in which character set they are.
"""

from __future__ import annotations

import re
from binascii import a2b_base64

from rpctrace.encoding.text import decode_text
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple

MAXIMUM_HEAD_OCTETS = 64 * 1024
MAXIMUM_FIELDS = 64  # of those kept, of one header section
_LAYER = "http.head"

_REQUEST_LINE = re.compile(rb"([A-Z][A-Z_-]{2,31}) +([^\r\n]*?) *(?:HTTP/1\.([01])[ \t]*)?(?:\r?\n|\Z)")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) +(\d{3})(?: +([^\r\n]*))?")
_FIELD = re.compile(
    rb"\n(content-length|transfer-encoding|host"
    rb"|(?:proxy-)?authorization|(?:www|proxy)-authenticate)[ \t]*:[ \t]*"
    rb"([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)",
    re.IGNORECASE,
)
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
# RFC 4559 4, [MS-NTHT] 2.1: schemes with one token68 behind them
_AUTHENTICATION = re.compile(
    rb"(?:^|,)[ \t]*(negotiate|kerberos|ntlm)(?:[ \t]+([A-Za-z0-9+/]+={0,2}))?[ \t]*(?=,|\Z)", re.IGNORECASE
)


class SchemeToken(NamedTuple):
    """One scheme of an authentication field, in lower case, and its token: None where it has none."""

    scheme: str
    token: bytes | None


class Head(NamedTuple):
    """A request (`method` and `target`) or an answer (`status` and `reason`). `fields`: names in lower case -> values,
    in their order. `complete`: the section's end was there."""

    method: str | None
    target: str
    status: int | None
    reason: str
    minor_version: int
    fields: dict[bytes, list[bytes]]
    complete: bool

    def first(self, name: bytes) -> bytes | None:
        values = self.fields.get(name)
        return values[0] if values else None

    @property
    def host(self) -> str | None:
        value = self.first(b"host")
        return decode_text(value) if value else None

    @property
    def content_length(self) -> int | None:
        """RFC 9112 6.2; None where it is missing or no number."""
        value = (self.first(b"content-length") or b"").split(b",")[0].strip()
        return int(value) if value.isdigit() and len(value) < 20 else None

    @property
    def chunked(self) -> bool:
        """RFC 9112 6.1: chunked is the last of the codings."""
        values = self.fields.get(b"transfer-encoding")
        return values is not None and values[-1].strip().lower().endswith(b"chunked")

    def authentication(self, name: bytes) -> list[SchemeToken]:
        """The Negotiate, Kerberos and NTLM in all fields of this name (RFC 9110 11.6: several in a field, several
        fields)."""
        return [found for value in self.fields.get(name, ()) for found in scheme_tokens(value)]


def parse_head(octets: bytes, *, complete: bool = True) -> Head:
    """A header section up to its empty line, or as far as it was captured -> value. `Malformed` where its first line is
    neither a request's nor an answer's."""
    status_line = _STATUS_LINE.match(octets)
    if status_line is not None:
        minor, status, reason = status_line.groups()
        return Head(None, "", int(status), decode_text(reason or b""), int(minor), _fields(octets), complete)
    request_line = _REQUEST_LINE.match(octets)
    if request_line is None:
        raise Malformed(_LAYER, 0, "neither a request line nor a status line")
    method, target, version = request_line.groups()
    return Head(method.decode(), decode_text(target), None, "", int(version or 0), _fields(octets), complete)


def _fields(octets: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for count, match in enumerate(_FIELD.finditer(octets)):
        if count == MAXIMUM_FIELDS:
            break
        found.setdefault(match[1].lower(), []).append(match[2].rstrip())
    return found


def scheme_tokens(value: bytes) -> list[SchemeToken]:
    """The schemes of interest in one field value; a comma in a quoted string ends nothing."""
    bare = _QUOTED.sub(b'""', value)
    return [
        SchemeToken(match[1].lower().decode(), _decoded(match[2]) if match[2] else None)
        for match in _AUTHENTICATION.finditer(bare)
    ]


def _decoded(text: bytes) -> bytes:
    """Base64 (RFC 4648 4) of which the end may be missing: as many whole groups as are there."""
    digits = text.rstrip(b"=")
    whole = len(digits) - (1 if len(digits) % 4 == 1 else 0)
    return a2b_base64(digits[:whole] + b"=" * (-whole % 4))
