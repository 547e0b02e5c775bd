"""Octets -> PDUs -> calls: one folder per protocol, each blind to its transport."""
