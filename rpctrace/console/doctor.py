"""What is installed -> lines that say which versions run here, and what is lost without the rest."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata

from rpctrace.version import __version__

# (distribution, what it does here and is lost without it)
LIBRARIES = (
    ("click", "the command line"),
    ("rich", "progress on a terminal"),
    ("tabulate", "tables of the text report"),
    ("jinja2", "the HTML report"),
    ("impacket", "names of NTSTATUS, HRESULT and Win32 codes that our own tables lack"),
    ("lz4", "captures and logs packed with lz4 (pip install 'rpctrace[compress]')"),
    ("pyarrow", "-o FILE.parquet (pip install 'rpctrace[parquet]')"),
    ("pyasn1", "needed by impacket"),
    ("pyshark", "verify --through pyshark"),
    ("scapy", "tests only"),
    ("zstandard", "captures and logs packed with zstd (pip install 'rpctrace[compress]')"),
)


def doctor_lines() -> Iterator[str]:
    from rpctrace.tshark import find_tshark, tshark_version

    yield f"rpctrace   {__version__}"
    yield f"python     {platform.python_version()}  {sys.executable}"
    yield f"system     {platform.platform()}"
    for name, use in LIBRARIES:
        version = _version(name)
        yield f"{name:<10} {version}  {use}" if version else f"{name:<10} missing; lost: {use}"
    path = find_tshark()
    if path is None:
        yield "tshark     missing; lost: verify, and the tests that ask tshark for a second opinion"
    else:
        yield f"tshark     {tshark_version(path) or 'version unknown'}  {path}"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
