"""Facts as data: what the specifications say about codes, interfaces and names; a source in every row."""
