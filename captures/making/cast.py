"""Who takes part: two computers of domainB.com, two users of child.domainA.com, the domain controllers of both forests.

Addresses are private or of the documentation blocks (RFC 5737, RFC 3849); nobody is real.
"""

from __future__ import annotations

from builders import Host, kerberos
from builders.kerberos import principal

# 2012-03-14 09:26:50 UTC: the expert's computer asks for the novice's address
START_NS = 1_331_717_210_000_000_000
# 2012-12-31 23:00:03 UTC: at the domain controller, an hour ahead, the new year is three seconds old
NEW_YEAR_NS = 1_356_994_803_000_000_000
MILLISECOND_NS = 1_000_000
TILL_NS = START_NS + 36_000 * 1_000_000_000

GATEWAY_MAC = "00:1b:54:0a:02:01"
EXPERT = Host("10.2.0.21", "00:1b:21:0a:02:21")
NOVICE = Host("10.2.0.73", "00:1b:21:0a:02:73")
DC_B = Host("10.2.0.10", "00:1b:21:0a:02:10")  # domain controller and name server of domainB.com
FILE_SERVER = Host("10.2.0.30", "00:1b:21:0a:02:30")
DC_CHILD = Host("10.1.0.10", GATEWAY_MAC)
DC_A = Host("10.1.0.5", GATEWAY_MAC)
EXPERT_6 = Host("2001:db8:2::21", EXPERT.mac)
NOVICE_6 = Host("2001:db8:2::73", NOVICE.mac)
DC_CHILD_6 = Host("2001:db8:1::10", GATEWAY_MAC)

NOVICE_NAME = "resource-win73.domainb.com"
FILE_NAME = "fs1.domainb.com"
CHILD_REALM, PARENT_REALM, SERVER_REALM = "CHILD.DOMAINA.COM", "DOMAINA.COM", "DOMAINB.COM"
ARTICLE_REALM = "child.domainA.COM"  # as the article's trace spells it
EXPERT_USER, NOVICE_USER = principal("expert"), principal("novice")
CLASS_FACTORY_PORT = 49834
SESSIONS_PORT = 49793
LOGON_PORT = 49157

CHILD_TGT = kerberos.ticket(CHILD_REALM, kerberos.ticket_granting(CHILD_REALM), kvno=2)
PARENT_TGT = kerberos.ticket(CHILD_REALM, kerberos.ticket_granting(PARENT_REALM), kvno=5)
SERVER_TGT = kerberos.ticket(PARENT_REALM, kerberos.ticket_granting(SERVER_REALM), kvno=3)
