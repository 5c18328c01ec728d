"""What all tests share."""

import os
import signal

import torch
from hypothesis import settings

# Tests are of the processor: with an accelerator trainers would take it, and copies would want one each.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# Tiny products gain nothing from threads, and lose much to their barriers where another process holds a core.
torch.set_num_threads(1)

# Ctrl-C as on a terminal for what tests start: a shell that puts them in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Time is measured where it matters; on a shared machine a deadline an example only makes tests fail by chance.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
