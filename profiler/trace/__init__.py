"""Reads recorded traces into typed columns."""
