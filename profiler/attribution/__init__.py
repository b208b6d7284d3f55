"""Budgets, gaps and verdicts, from the tables alone."""
