"""Streams and datagrams meet their dissectors: what was said on the wire -> what happened between two hosts."""
