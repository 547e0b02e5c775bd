"""Frame -> segment, one at a time: the specification of the network layers."""
