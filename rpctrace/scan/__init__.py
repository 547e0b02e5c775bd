"""The same segments as `network.decode` gives, of the connections that may matter, in a fraction of the time."""
