"""`doctor` names every library, its version or its absence, and what is lost."""

from __future__ import annotations

from importlib import metadata

import pytest

from rpctrace.console import doctor


def test_every_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Present ones with their version; a missing one with what is lost."""
    real = metadata.version

    def version(name: str) -> str:
        if name == "impacket":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr("rpctrace.tshark.find_tshark", lambda: None)
    lines = list(doctor.doctor_lines())
    names = [line.split()[0] for line in lines]
    assert names == ["rpctrace", "python", "system", *(name for name, _ in doctor.LIBRARIES), "tshark"]
    assert "missing; lost: names of NTSTATUS" in lines[names.index("impacket")]
    assert "missing; lost: verify" in lines[-1]
    assert real("click") in lines[names.index("click")]
