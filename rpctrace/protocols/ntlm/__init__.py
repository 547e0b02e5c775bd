"""NTLM messages: octets -> names and flags, never challenges or responses."""
