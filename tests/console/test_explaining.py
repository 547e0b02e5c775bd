"""explain and rules: what goes to which stream, and the exit status."""

from __future__ import annotations

import pytest

from rpctrace import cli
from rpctrace.console import explaining
from rpctrace.console.exit_status import ExitStatus
from rpctrace.diagnosis.registry import RULES


def run(*words: str) -> int:
    return cli.main(list(words))


def test_codes_and_rules_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """In the order that was asked, a blank line between them; both spellings of a rule."""
    assert run("explain", "skew-kdc", "KRB_AP_ERR_SKEW", "spn_unknown") == ExitStatus.DONE
    out = capsys.readouterr().out
    assert out.startswith("skew-kdc\n")
    assert out.index("\n\nKRB_AP_ERR_SKEW\n") < out.index("\n\nspn-unknown\n")
    assert out.endswith("\n")


def test_what_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    """The others are told, the status is that of wrong usage; near names of rules too."""
    assert run("explain", "skew-kcd", "0x721") == ExitStatus.USAGE
    said = capsys.readouterr()
    assert "near: skew-kdc" in said.err
    assert said.out.startswith("RPC_S_SEC_PKG_ERROR")
    assert run("explain", "utter-nonsense-qqq") == ExitStatus.USAGE
    assert "nothing known about 'utter-nonsense-qqq'" in capsys.readouterr().err


def test_flags_with_hyphens_are_no_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "use-session-key") == ExitStatus.DONE
    assert capsys.readouterr().out.startswith("use-session-key")


def test_the_hotfix(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "--kerberos-dll", "6.1.7601.21932", "--os", "Windows 7 SP1") == ExitStatus.DONE
    assert capsys.readouterr().out.startswith("Kerberos.dll 6.1.7601.21932: fixed\n")
    assert run("explain", "0x721", "--kerberos-dll", "6.1.7601.18658") == ExitStatus.DONE
    assert "\n\nKerberos.dll 6.1.7601.18658: not fixed\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("explain",),
        ("explain", "--kerberos-dll", "6.1.7601"),
        ("explain", "--kerberos-dll", ""),
        ("explain", "0x721", "--os", "Windows 7"),
        ("rules", "no-such-rule"),
        ("rules", "--check", "skew-kdc"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == ExitStatus.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("rpctrace: ")
    assert "\n" not in said.err.rstrip("\n")


def test_the_list_and_single_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("rules") == ExitStatus.DONE
    assert len(capsys.readouterr().out.splitlines()) == len(RULES)
    assert run("rules", "skew-kdc", "idle_drop") == ExitStatus.DONE
    out = capsys.readouterr().out
    assert out.startswith("skew-kdc\n")
    assert "\n\nidle-drop\n" in out


def test_the_check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rule is complete; one that is not makes the exit status 1."""
    assert run("rules", "--check") == ExitStatus.DONE
    assert capsys.readouterr().out == "every rule is complete\n"
    monkeypatch.setattr("rpctrace.rule_explanation.complaints", lambda: iter(["x-y: its base is missing"]))
    assert run("rules", "--check") == ExitStatus.FOUND
    assert capsys.readouterr().out == "x-y: its base is missing\n"


def test_only_what_may_be_a_rule_loads_them() -> None:
    """Numbers and single words do not; a UUID is known before that is asked."""
    for word, may in (("skew-kdc", True), ("rc4_2026", True), ("0x721", False), ("drsuapi", False), ("-1", False)):
        assert bool(explaining._MAYBE_A_RULE.fullmatch(word)) is may
