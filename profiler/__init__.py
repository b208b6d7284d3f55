"""Measures, captures, tabulates, attributes and reports."""
