"""When an answer is a failure."""

from __future__ import annotations

import pytest

from rpctrace.protocols.smb.operation import (
    STATUS_BUFFER_OVERFLOW,
    STATUS_FILE_CLOSED,
    STATUS_PENDING,
    SUCCESS,
    Kind,
    Operation,
    Span,
)


@pytest.mark.parametrize(("status", "failed"), [
    (SUCCESS, False), (STATUS_PENDING, False), (STATUS_BUFFER_OVERFLOW, False), (STATUS_FILE_CLOSED, True),
])  # fmt: skip
def test_only_the_severity_of_an_error_is_one(status: int, failed: bool) -> None:
    """[MS-ERREF] 2.3"""
    assert Operation(Kind.READ, True, 1, status, 0, None, 0).failed is failed


def test_an_error_of_dos_is_one() -> None:
    assert Operation(Kind.READ, True, 1, 0x0005_0001, 0, None, 0, dos_error=True).failed


def test_a_span_ends() -> None:
    assert Span(3, 4).end == 7
