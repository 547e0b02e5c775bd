"""Segments -> octets in order, gaps kept."""
