"""Services that demand privacy."""

from __future__ import annotations

from uuid import UUID

from rpctrace.diagnosis.demands import PRIVACY_DEMANDED


def test_every_row_is_a_uuid_with_its_source() -> None:
    """In the spelling that reports use."""
    for uuid, source in PRIVACY_DEMANDED.items():
        assert str(UUID(uuid)) == uuid
        assert "[MS-" in source or "KB" in source
