"""Unprofiled samples in isolated worker processes."""
