"""Interfaces whose servers are known to demand packet privacy: UUID -> what says so.

A server refuses calls below that level with ERROR_ACCESS_DENIED, which looks like a missing permission.
"""

from __future__ import annotations

PRIVACY_DEMANDED = {
    "12345678-1234-abcd-ef00-0123456789ab": "print spooler: RpcAuthnLevelPrivacyEnabled, KB4599464",
    "76f03f96-cdfd-44fc-a22c-64950a001209": "print system: RpcAuthnLevelPrivacyEnabled, KB4599464",
    "86d35949-83c9-4044-b424-db363231fd0c": "task scheduler, [MS-TSCH] 2.1",
    "3dde7c30-165d-11d1-ab8f-00805f14db40": "backup keys, [MS-BKRP] 2.1",
    "e3514235-4b06-11d1-ab04-00c04fc2dcd2": "directory replication, [MS-DRSR] 2.2",
}
