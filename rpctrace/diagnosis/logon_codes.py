"""NTSTATUS of a logon -> what went wrong, in an administrator's words ([MS-ERREF] 2.3.1)."""

from __future__ import annotations

from rpctrace.named_tuple import NamedTuple

FIREWALL_FAILED = 0xC0000413  # STATUS_AUTHENTICATION_FIREWALL_FAILED: selective authentication
ACCESS_DENIED = 0xC0000022
LOGON_FAILURE = 0xC000006D


class LogonCode(NamedTuple):
    """`telling`: whether the code names one cause. `step`: what to do first, if that is more than to look
    for the cause."""

    what: str
    step: str | None
    telling: bool = True


LOGON_CODES = {
    0xC0000064: LogonCode(
        "there is no such user in the domain that was asked",
        "Check domain and user name of the account, and whether its domain is trusted: nltest /domain_trusts.",
    ),
    0xC000006A: LogonCode(
        "the password is wrong",
        "Renew the password that the client has stored: cmdkey /list, the service's or task's logon account.",
    ),
    LOGON_FAILURE: LogonCode(
        "user name, password or ticket is not accepted",
        None,
        telling=False,
    ),
    0xC000006E: LogonCode(
        "a restriction of the account forbids the logon (an empty password, for instance)",
        "Local accounts with empty passwords may log on at the console only: look at the account's password.",
    ),
    0xC000006F: LogonCode(
        "the account may not log on at this hour", "Look at the logon hours of the account (net user NAME /domain)."
    ),
    0xC0000070: LogonCode(
        "the account may not log on from this workstation",
        "Look at \"Log On To\" of the account: userWorkstations must name the client.",
    ),
    0xC0000071: LogonCode("the password has expired", "Have the password changed."),
    0xC0000072: LogonCode("the account is disabled", "Enable the account, or use another: net user NAME /domain."),
    0xC0000133: LogonCode(
        "the clocks of client and domain controller differ too much",
        "Compare the clocks: w32tm /stripchart /computer:DC.",
    ),
    0xC000015B: LogonCode(
        "the user is not granted this type of logon on the server",
        "Look at the user rights \"Access this computer from the network\" and \"Deny access ...\" of the server.",
    ),
    0xC0000193: LogonCode("the account has expired", "Extend the account: net user NAME /expires:never /domain."),
    0xC0000224: LogonCode(
        "the password must be changed before the first logon", "Have the user change the password at a console."
    ),
    0xC0000234: LogonCode(
        "the account is locked out",
        "Unlock it, and find what sends the old password: event 4740 on the PDC emulator names the computer.",
    ),
    0xC000005E: LogonCode(
        "no domain controller could be reached that knows the account", "Check the way to one: nltest /dsgetdc:DOMAIN."
    ),
    0xC0000192: LogonCode("the Netlogon service does not run", "Start the Netlogon service of the server."),
    0xC00002FA: LogonCode(
        "the account must log on with a smart card", "Log on with the smart card, or change the account."
    ),
    0xC0000418: LogonCode(
        "NTLM is blocked by policy",
        "Look at \"Network security: Restrict NTLM\" and at events 4001 and 8001 of NTLM/Operational.",
    ),
}  # fmt: skip


def logon_text(status: int, name: str | None = None) -> str:
    """`0xC000006A STATUS_WRONG_PASSWORD: the password is wrong`, or the number and name alone."""
    known = LOGON_CODES.get(status)
    number = f"0x{status:08X}{f' {name}' if name else ''}"
    return f"{number}: {known.what}" if known else number
