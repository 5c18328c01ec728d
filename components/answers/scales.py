"""What a number with scale words or characters amounts to: `2万5千`, `3 lakh 50 thousand`, `mil millones`."""

from collections.abc import Sequence
from fractions import Fraction

_MYRIAD = 10_000  # from here on a scale closes what stands before it: 五千万 is 5,000 × 10,000


def compose(pieces: Sequence[Fraction | int]) -> Fraction:
    """The value of numbers (`Fraction`) and scales (`int`) in the order in which they are written.

    A scale multiplies what stands before it and is smaller; a scale without a number counts once (`十` is 10).

    Example:
        >>> compose([Fraction(2), 10_000, Fraction(5), 1_000])  # 2万5千: Fraction(25000)
    """
    total, section, last = Fraction(0), Fraction(0), 0
    number: Fraction | None = None
    for piece in pieces:
        if isinstance(piece, Fraction):
            section += number or 0
            number = piece
        elif piece >= _MYRIAD:
            below = section + (number or 0)
            if below:
                total += below * piece
            else:
                total = total * piece if total else Fraction(piece)
            section, number, last = Fraction(0), None, 0
        elif number is None and last and piece > last:
            section, last = section * piece, piece
        else:
            section += piece if number is None else number * piece
            number, last = None, piece
    return total + section + (number or 0)
