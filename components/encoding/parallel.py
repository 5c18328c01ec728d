"""Work in parts on several cores, one core each.

torch's own way splits each operation over the cores and waits for the slowest after each. Operations here take some
0.1 ms, so where another process holds a core, waiting takes most of the time (measured: up to 20 times slower).
"""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def one_core_each() -> Iterator[Executor]:
    """As many threads as torch has (`torch.get_num_threads`); inside, each operation of torch is on one core.

    Nothing else should compute with torch meanwhile: its number of threads is of the process.
    """
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # MKL's number is of a thread: one that begins has the process's until torch looks for the first time, which it
        # does not before a product. Which thread takes which part is chance, and so would the last bits be.
        with ThreadPoolExecutor(num_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(num_threads)
