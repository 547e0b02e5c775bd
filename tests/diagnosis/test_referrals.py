"""How realms stand to each other, as KDCs show it."""

from __future__ import annotations

from incident_records import CLIENT, REALM_A, REALM_B, REALM_C, exchange, refused, report, tgs_exchange, tgt, ticket

from rpctrace.diagnosis.referrals import USER2USER_REQUIRED, Referrals
from rpctrace.report import Host, ReferralPath

REFERRAL = tgs_exchange("krb-1", 1, tgt(REALM_A), tgt("DOMAINA.COM", REALM_A))
ONWARDS = tgs_exchange("krb-2", 2, tgt("DOMAINA.COM", REALM_A), tgt(REALM_B, "DOMAINA.COM"))


def test_a_referral_is_a_direct_trust() -> None:
    """From the realm that issued it to the one that it is for, and not the other way; a realm's own ticket is none."""
    known = Referrals(report(REFERRAL, ONWARDS))
    assert known.direct("child.domaina.com.", "DomainA.com") == REFERRAL
    assert known.direct("DOMAINA.COM", REALM_A) is None
    assert known.direct(REALM_A, REALM_B) is None
    assert Referrals(report(tgs_exchange("krb-1", 1, None, tgt(REALM_A)))).direct(REALM_A, REALM_A) is None


def test_a_way_through_a_third_realm() -> None:
    """Of two realms alone there is none."""

    def path(*realms: str) -> ReferralPath:
        return ReferralPath("path-1", 0, Host(CLIENT, 1, None), (), realms[0], (), realms, ("krb-2",), None, "issued",
                            None, None, False, ())  # fmt: skip

    around = path(REALM_A, "DOMAINA.COM", REALM_B)
    assert Referrals(report(referral_paths=(around,))).roundabout(REALM_A.lower(), REALM_B) == around
    assert Referrals(report(referral_paths=(around,))).roundabout(REALM_A, REALM_C) is None
    assert Referrals(report(referral_paths=(path(REALM_A, REALM_B),))).roundabout(REALM_A, REALM_B) is None


def test_a_demand_for_user_to_user() -> None:
    """Error 27, or 7 with STATUS_USER2USER_REQUIRED; 7 alone is none."""
    plain = exchange("krb-1", 1, sname=("Bob-A",), **refused())
    must = exchange("krb-2", 2, sname=("Bob-A",), **refused(27, "MUST"))
    said = exchange("krb-3", 3, sname=("Bob-A",), ntstatus=USER2USER_REQUIRED, **refused())
    assert Referrals(report(plain)).demanded(("bob-a",)) is None
    assert Referrals(report(plain, must)).demanded(("bob-a",)) == must
    assert Referrals(report(said)).demanded(("bob-a",)) == said


def test_a_parent_must_show_in_tickets() -> None:
    """A name with three parts alone may be a forest's root."""
    assert Referrals(report(REFERRAL)).parent_of("CHILD.DOMAINA.COM") == REFERRAL
    assert Referrals(report(REFERRAL)).parent_of("DOMAINA.COM") is None
    other = tgs_exchange("krb-1", 1, tgt(REALM_A), ticket(REALM_A, "cifs", "domaina.com"))
    assert Referrals(report(other)).parent_of("CHILD.DOMAINA.COM") is None
