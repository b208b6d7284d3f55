"""OpenCL kernels, run on a CPU through PoCL: real kernel launches on a machine without a GPU."""
