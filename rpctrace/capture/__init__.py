"""Capture file -> frames."""
