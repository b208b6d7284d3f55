"""Markdown, plots and HTML, from the tables alone."""
