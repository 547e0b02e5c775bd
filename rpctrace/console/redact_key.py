"""What --redact and --redact-key ask for -> the key of the names, or none."""

from __future__ import annotations

from rpctrace.errors import UsageError


def key_of(redact: bool, redact_key: str | None) -> bytes | None:
    """The user's key, or one that nobody knows again; None without --redact."""
    if redact_key is not None:
        if not redact_key:
            raise UsageError("--redact-key needs a text that nobody guesses")
        return redact_key.encode("utf-8", "surrogateescape")
    if not redact:
        return None
    from secrets import token_bytes

    return token_bytes(32)
