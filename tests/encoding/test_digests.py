"""The digests are those of hashlib."""

from __future__ import annotations

import hashlib

import pytest

from rpctrace.encoding import digests


@pytest.mark.parametrize("octets", [b"", b"abc", bytes(1000)])
def test_they_are_those_of_hashlib(octets: bytes) -> None:
    assert digests.sha1(octets, usedforsecurity=False).digest() == hashlib.sha1(octets).digest()
    assert digests.blake2b(octets, digest_size=12).digest() == hashlib.blake2b(octets, digest_size=12).digest()
