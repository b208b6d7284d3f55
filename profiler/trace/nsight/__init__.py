"""What NVIDIA's Nsight Systems recorded, as the columns that every reader of device traces gives."""
