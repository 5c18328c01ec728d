"""What all tests share."""

import torch

# Tiny products gain nothing from threads, and lose much to their barriers where another process holds a core.
torch.set_num_threads(1)
