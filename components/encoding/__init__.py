"""Texts to unit vectors: the packaged encoder, computed fast, and any sentence-transformers model beside it.

`encoder` is what the rewards ask. `packaged` is the one that ships as a package: `tokens` (text to piece ids), `table`
(what one token alone decides), `network` (the rest) on `convolution`; `use` is it as a sentence-transformers module.
`cuts` cuts texts that are longer than a model reads.
"""

from components.encoding.encoder import PACKAGED_ENCODER, Encoder

__all__ = ["PACKAGED_ENCODER", "Encoder"]
