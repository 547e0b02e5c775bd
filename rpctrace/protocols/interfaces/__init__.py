"""Stub data of the RPC interfaces that tell what other connections are for."""
