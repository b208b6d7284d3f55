"""Implementations that run on an NVIDIA GPU only; importing them asks nothing of torch or of the driver."""
