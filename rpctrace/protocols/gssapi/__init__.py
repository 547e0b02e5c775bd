"""Authentication tokens: what SPNEGO, GSS-API, NTLM, Kerberos, Netlogon and TLS put into a security trailer."""
