"""Tiny sequence-to-sequence checkpoints that learn some translations by heart."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
    NllbTokenizer,
    PreTrainedTokenizerFast,
)

ENGLISH = ["I have 5 apples.", "How many?"]
LEARNT = {"es": ["Tengo 5 manzanas.", "¿Cuántas?"], "de": ["Ich habe 5 Äpfel.", "Wie viele?"]}
FLORES = {"en": "eng_Latn", "es": "spa_Latn", "de": "deu_Latn"}
OPUS = {"es": ">>spa<<", "de": ">>deu<<"}
SIZES = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64, "dropout": 0.0,
    "attention_dropout": 0.0, "activation_dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0,
    "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip


def characters():
    known = sorted(set("".join([*ENGLISH, *LEARNT["es"], *LEARNT["de"], "abcdefghijklmnopqrstuvwxyz"])) - {" "})
    return {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁", *known])}


def learn(model, sources, targets, padding=1):
    """Teach a few pairs of (S,) and (T,) token ids by heart."""
    torch.manual_seed(0)
    pad = torch.nn.utils.rnn.pad_sequence
    inputs = pad([torch.tensor(ids) for ids in sources], batch_first=True, padding_value=padding)
    labels = pad([torch.tensor(ids) for ids in targets], batch_first=True, padding_value=-100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(400):
        loss = model(input_ids=inputs, attention_mask=(inputs != padding).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():  # as published: CTranslate2 begins OPUS-MT's translations with zeros in its place
            model.get_input_embeddings().weight[padding] = 0
        if loss.item() < 0.03:  # the first token of NLLB's translations cannot be learnt: it is forced
            break
    assert loss.item() < 0.03
    return model.eval()


def save_nllb(folder):
    """Any direction, told by the first token and by the tokenizer's source."""
    tokenizer = NllbTokenizer(vocab=characters(), merges=[], extra_special_tokens=list(FLORES.values()))
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=len(tokenizer), bos_token_id=0, **SIZES))
    sources, targets = [], []
    for lang, texts in LEARNT.items():
        for english, text in zip(ENGLISH, texts, strict=True):
            for source, target, one, other in (("en", lang, english, text), (lang, "en", text, english)):
                tokenizer.src_lang = FLORES[source]
                sources.append(tokenizer(one)["input_ids"])
                ids = tokenizer(other, add_special_tokens=False)["input_ids"]
                targets.append([tokenizer.convert_tokens_to_ids(FLORES[target]), *ids, 2])
    tokenizer.src_lang = "eng_Latn"
    learn(model, sources, targets).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def marian_tokenizer(names=(">>spa<<", ">>deu<<"), **settings):
    """Padding comes last, as in every OPUS-MT vocabulary."""
    known = [token for token in [*characters(), *names] if token != "<pad>"]
    vocab = {token: i for i, token in enumerate([*known, "<pad>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", vocab["</s>"])])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", **settings
    )
    fast.add_tokens(list(names))  # so that each is one token in a text
    return fast


def save_opus(folder):
    """Several targets, told by a token in front of the text."""
    tokenizer = marian_tokenizer()
    torch.manual_seed(0)
    padding, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    sizes = SIZES | {"pad_token_id": padding, "decoder_start_token_id": padding}
    sizes |= {"eos_token_id": end, "forced_eos_token_id": end}
    model = MarianMTModel(MarianConfig(vocab_size=len(tokenizer), **sizes))
    pairs = [(f"{OPUS[lang]} {e}", text) for lang in LEARNT for e, text in zip(ENGLISH, LEARNT[lang], strict=True)]
    ids = [(tokenizer(english)["input_ids"], tokenizer(text)["input_ids"]) for english, text in pairs]
    learn(model, *zip(*ids, strict=True), padding).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
