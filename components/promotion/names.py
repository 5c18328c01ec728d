"""Names of models and data as others may read them."""

from pathlib import Path


def public_name(name: str) -> str:
    """`name` without paths of this machine: a folder's or file's own name alone; any other name as it is.

    Example:
        >>> public_name("/home/ana/models/llama-3"), public_name("google/gemma-3-270m")
        ('llama-3', 'google/gemma-3-270m')
    """
    path = Path(name).expanduser()
    return path.resolve().name if name[0] in "./~" or path.is_dir() else name
