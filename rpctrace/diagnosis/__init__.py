"""Calls -> findings: what is concluded, and on what evidence."""
