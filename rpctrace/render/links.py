"""Which references of a finding may become links: plain https addresses, and nothing that a capture could have made."""

from __future__ import annotations

import re

_PLAIN_LINK = re.compile(r"https://[A-Za-z0-9./?=&_%#:~+-]+")


def is_plain_link(reference: str) -> bool:
    return _PLAIN_LINK.fullmatch(reference) is not None
