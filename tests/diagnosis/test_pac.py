"""How a PAC validation shows: a logon request of the server meanwhile, and the result in netlogon.log."""

from __future__ import annotations

from dataclasses import replace

from incident_records import report
from report_values import full_report, refused_call

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence

LINE = replace(full_report().log_entries[0], calls=("call-3",), joined_by=("realm",))


def test_only_generic_logons_of_kerberos_are_validations() -> None:
    """A network logon with the same status is somebody's password."""
    failed = refused_call()
    network = replace(LINE, line=8, kind="Network")
    digest = replace(LINE, line=9, package="WDigest")
    evidence = Evidence(report(failed, log_entries=(LINE, network, digest)))
    assert [entry.line for entry in pac.validations(evidence, failed)] == [LINE.line]


def test_a_line_is_joined_surely_by_server_or_time() -> None:
    """The realm alone is not enough."""
    assert not pac.joined_surely(LINE)
    assert pac.joined_surely(replace(LINE, joined_by=("realm", "server")))
    assert pac.joined_surely(replace(LINE, joined_by=("time",)))


def test_a_domain_controller_that_shuts_down_is_seen_around_the_line() -> None:
    """Within minutes where times are known, anywhere in the file where none are."""
    down = replace(LINE, line=20, status=pac.INVALID_SERVER_STATE)
    assert pac.shutdown_near(Evidence(report(log_entries=(LINE, down))), LINE) is down
    timed, far = replace(LINE, time_ns=0), replace(down, time_ns=pac.SHUTDOWN_NS + 1)
    assert pac.shutdown_near(Evidence(report(log_entries=(timed, far))), timed) is None
    assert pac.shutdown_near(Evidence(report(log_entries=(LINE,))), LINE) is None


def test_the_line_in_words() -> None:
    """Who, through whom, package, result."""
    assert pac.log_text(LINE) == (
        "Generic logon of child.DomainA.COM\\(null) via RESOURCE-WIN73, package Kerberos:"
        " STATUS_NO_SUCH_USER 0xc0000064"
    )
