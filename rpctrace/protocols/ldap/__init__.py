"""LDAP: SASL binds."""
