"""Implementations for NVIDIA GPUs."""
