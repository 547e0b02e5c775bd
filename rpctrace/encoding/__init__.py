"""The alphabets: how octets become numbers, text and times."""
