"""C implementations, compiled at first use with a compiler found on this machine."""
