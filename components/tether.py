"""Become another program that ends when the one that started it does: `python -m components.tether PARENT PROGRAM ...`.

What is killed (SIGKILL) cannot stop its children; the kernel can. The setting outlives `exec`, and is made here rather
than between fork and exec of the starting process, which may have threads.
"""

import os
import sys

from components.environment import end_with_parent


def main() -> None:
    """Tie this process, then become the program in its arguments."""
    parent = int(sys.argv[1])
    end_with_parent()
    if os.getppid() != parent:  # it has ended already: nobody would tell
        sys.exit(1)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
