"""The digests that tell things apart. `hashlib` gives the same functions, once it has loaded OpenSSL: 3 ms a start."""

from __future__ import annotations

try:
    from _blake2 import blake2b as blake2b
    from _sha1 import sha1 as sha1  # type: ignore[import-not-found]  # nobody has described it
except ImportError:  # what they are called is CPython's own affair
    from hashlib import blake2b as blake2b
    from hashlib import sha1 as sha1
