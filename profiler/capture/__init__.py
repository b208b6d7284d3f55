"""A separate pass under torch.profiler and NVTX."""
