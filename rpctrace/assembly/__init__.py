"""Observations -> entries of the Report: numbers get their names, frames their times, records their ids."""
