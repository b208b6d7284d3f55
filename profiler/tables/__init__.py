"""One file per table; columns are named constants with their unit."""
