"""A call's result, and names of pipes."""

from __future__ import annotations

import pytest
from protocols.interfaces.reading import stub

from rpctrace.protocols.interfaces.stub import pipe_name


def test_the_result_is_the_end_of_a_whole_response() -> None:
    """In the call's byte order; None where the end is not there or cannot be read."""
    answered = stub("u", 0, b"", b"\0\0\0\0\x05\x00\x07\x80")
    assert answered.result == 0x80070005
    assert answered._replace(little_endian=False).result == 0x05000780
    assert answered._replace(cut=True).result is None
    assert answered._replace(sealed=True).result is None
    assert stub("u", 0, b"", b"\0\0\0").result is None
    assert stub("u", 0, b"").result is None


def test_nothing_of_a_sealed_stub_is_readable() -> None:
    sealed = stub("u", 0, b"request", b"response", sealed=True)
    assert (sealed.readable_request, sealed.readable_response) == (None, None)
    assert (sealed.request_octets, sealed.response_octets) == (7, 8)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\\PIPE\\lsass", "\\pipe\\lsass"),
        ("\\\\PIPE\\\\atsvc", "\\pipe\\atsvc"),
        ("\\pipe\\SessEnvPublicRpc", "\\pipe\\SessEnvPublicRpc"),
        ("LRPC-1234", "LRPC-1234"),
        ("\\pipe", "\\pipe"),
        ("", ""),
    ],
)
def test_pipe_name(text: str, name: str) -> None:
    assert pipe_name(text) == name
