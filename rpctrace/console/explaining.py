"""The commands `explain` and `rules`: words -> what they mean, on standard output, and an exit status."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rpctrace.console import streams
from rpctrace.console.exit_status import ExitStatus
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError

# Only a word that may be a rule's name loads the rules.
_MAYBE_A_RULE = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+", re.IGNORECASE)
NEAR_MATCHES = 3


def explain_command(what: Sequence[str], kerberos_dll: str | None, system: str | None) -> ExitStatus:
    """Every meaning of each word, a blank line between them; what nobody knows goes to standard error."""
    if system is not None and kerberos_dll is None:
        raise UsageError("--os goes with --kerberos-dll")
    if not what and kerberos_dll is None:
        raise UsageError("explain needs a code, a name, a rule, or --kerberos-dll VERSION")
    status, texts = _each(what, _explained)
    if kerberos_dll is not None:
        from rpctrace.hotfix import judge, render_answer

        texts.append(render_answer(judge(kerberos_dll, system)))
    _put(texts)
    return status


def _explained(word: str) -> list[str]:
    """A code, name or UUID by the tables; what these do not know may be a rule."""
    from rpctrace.explanation import explain, render_explanation

    try:
        return [render_explanation(meaning) for meaning in explain(word)]
    except UsageError as error:
        if not _MAYBE_A_RULE.fullmatch(word.strip()):
            raise
        return [_rule_text(word, error)]


def _rule_text(name: str, otherwise: UsageError | None = None) -> str:
    from rpctrace.rule_explanation import render_rule, rule_named, rule_names

    name = name.strip().replace("_", "-")
    rule = rule_named(name)
    if rule is not None:
        return render_rule(rule)
    from difflib import get_close_matches

    near = get_close_matches(name.casefold(), rule_names(), NEAR_MATCHES)
    if otherwise is not None and not near:
        raise otherwise
    hint = f"; near: {', '.join(near)}" if near else ""
    raise UsageError(f"no rule is called {safe_text(name)!r}{hint}")


def rules_command(names: Sequence[str], *, check: bool) -> ExitStatus:
    """The list of rules, or those named; with `check` what is missing or malformed in them."""
    from rpctrace.rule_explanation import complaints, render_list

    if check:
        if names:
            raise UsageError("--check looks at every rule")
        found = list(complaints())
        streams.put("\n".join(found) if found else "every rule is complete")
        return ExitStatus.FOUND if found else ExitStatus.DONE
    if not names:
        streams.put(render_list().rstrip("\n"))
        return ExitStatus.DONE
    status, texts = _each(names, lambda name: [_rule_text(name)])
    _put(texts)
    return status


def _each(words: Sequence[str], explained: Callable[[str], list[str]]) -> tuple[ExitStatus, list[str]]:
    """The texts of the words that are known; of the others standard error tells, and the status is for wrong usage."""
    status, texts = ExitStatus.DONE, []
    for word in words:
        try:
            texts += explained(word)
        except UsageError as error:
            streams.tell(error)
            status = ExitStatus.USAGE
    return status, texts


def _put(texts: Sequence[str]) -> None:
    """Each ends with a line's end, so that a blank line stands between them."""
    if texts:
        streams.put("\n".join(texts).rstrip("\n"))
