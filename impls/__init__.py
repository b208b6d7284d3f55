"""Convolutions, manual and library: the ground floor, which knows nothing of measuring."""
