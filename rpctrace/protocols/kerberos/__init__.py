"""Kerberos messages: octets -> the fields that travel in clear."""
