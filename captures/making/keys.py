"""Whose keys there are in the two forests: all made up, and all in scenario.keytab and scenario.keys.json."""

from __future__ import annotations

import json
from collections.abc import Iterable

from builders.kerberos import RC4
from builders.kerberos_crypto import Key, made_key, password_key
from builders.keytab import Entry, keytab
from builders.pac import Person

from making.cast import CHILD_REALM, NOVICE_NAME, PARENT_REALM, SERVER_REALM, START_NS

PASSWORDS = {
    "expert": "Expert-made-up-1",
    "novice": "Novice-made-up-1",
    "RESOURCE-WIN73$": "Member-made-up-1",
    f"krbtgt/{PARENT_REALM}@{CHILD_REALM}": "Tree-trust-made-up-1",
    f"krbtgt/{SERVER_REALM}@{PARENT_REALM}": "Forest-trust-made-up-1",
}
KRBTGT = {realm: made_key(f"krbtgt {realm}") for realm in (CHILD_REALM, PARENT_REALM, SERVER_REALM)}
KRBTGT_KVNO = 2
TREE_TRUST_KVNO, FOREST_TRUST_KVNO, COMPUTER_KVNO = 5, 3, 4
EXPERT = Person("expert", "CHILD", CHILD_REALM, "DC1", (1004336348, 1177238915, 682003330), 1105, "Expert")
NOVICE = Person("novice", "CHILD", CHILD_REALM, "DC1", EXPERT.domain_id, 1106, "Novice")


def tree_trust() -> Key:
    """Of the tickets by which CHILD.DOMAINA.COM refers to its parent ([MS-KILE] 3.3.5.7.5)."""
    return password_key(PASSWORDS[f"krbtgt/{PARENT_REALM}@{CHILD_REALM}"], f"{CHILD_REALM}krbtgt{PARENT_REALM}")


def forest_trust() -> Key:
    """Of the tickets by which DOMAINA.COM refers to the other forest."""
    return password_key(PASSWORDS[f"krbtgt/{SERVER_REALM}@{PARENT_REALM}"], f"{PARENT_REALM}krbtgt{SERVER_REALM}")


def computer() -> Key:
    """Of every service of the novice's computer ([MS-KILE] 3.1.1.2 has the salt)."""
    return password_key(PASSWORDS["RESOURCE-WIN73$"], f"{SERVER_REALM}host{NOVICE_NAME}")


def computer_nt_hash() -> Key:
    """What Netlogon makes session keys of ([MS-NRPC] 3.1.1)."""
    return password_key(PASSWORDS["RESOURCE-WIN73$"], "", RC4)


FILES, OTHER_SERVICE = "files.child.domaina.com", "app1.domainb.com"


def service(host: str) -> Key:
    """Of an account that is not the novice's computer."""
    return made_key(host)


def user(name: str) -> Key:
    return password_key(PASSWORDS[name], f"{CHILD_REALM}{name}")


def _entries() -> Iterable[Entry]:
    for realm, key in KRBTGT.items():
        yield Entry(realm, ("krbtgt", realm), KRBTGT_KVNO, key, 2)
    yield Entry(CHILD_REALM, ("krbtgt", PARENT_REALM), TREE_TRUST_KVNO, tree_trust(), 2)
    yield Entry(PARENT_REALM, ("krbtgt", SERVER_REALM), FOREST_TRUST_KVNO, forest_trust(), 2)
    for name in ("RPCSS", "host"):
        yield Entry(SERVER_REALM, (name, NOVICE_NAME), COMPUTER_KVNO, computer(), 2)
    yield Entry(SERVER_REALM, ("RESOURCE-WIN73$",), COMPUTER_KVNO, computer())
    yield Entry(SERVER_REALM, ("RESOURCE-WIN73$",), COMPUTER_KVNO, computer_nt_hash())
    yield Entry(CHILD_REALM, ("cifs", FILES), 6, service(FILES), 2)
    yield Entry(SERVER_REALM, ("dcom", OTHER_SERVICE), 3, service(OTHER_SERVICE), 2)
    for name in ("expert", "novice"):
        yield Entry(CHILD_REALM, (name,), 1, user(name))


def scenario_keytab() -> bytes:
    """Long-term keys only: session keys have no name, and stand in the tickets that these keys open."""
    return keytab(_entries(), START_NS // 1_000_000_000)


def scenario_keys(session_keys: dict[str, Key]) -> bytes:
    """Passwords, long-term keys, and the session keys of one run, by what they are of."""
    told = {
        "about": "Keys of captures/remote-assistance: nobody's, made by make_samples.py. Session keys: expert.pcapng.",
        "passwords": PASSWORDS,
        "keys": {
            f"{'/'.join(each.components)}@{each.realm} etype {each.key.etype}": each.key.contents.hex()
            for each in _entries()
        },
        "session_keys": {name: key.contents.hex() for name, key in session_keys.items()},
    }
    return (json.dumps(told, indent=1) + "\n").encode()
