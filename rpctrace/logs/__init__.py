"""netlogon.log: octets of a file -> lines -> what each says of a logon, and which Entered a Returns belongs to."""
