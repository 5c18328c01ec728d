"""From a question to the token ids a model sees, and from generated ids back to the response.

A base model has no notion of turns, so it gets k worked examples in the question's language and answers on one line:
the line's end is the end of the answer. A model with a chat template gets the same examples as turns and ends its turn.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from transformers import PreTrainedTokenizerBase

from components.contracts import Question
from components.lang.table import language
from components.lang.thoughts import CLOSING, OPENING


class PromptFormat:
    """How one checkpoint is asked. `shots` are worked examples of all languages; only the question's own are used."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, shots: Sequence[Question]) -> None:
        self.tokenizer = tokenizer
        self.is_chat = bool(tokenizer.chat_template)
        self._shots = shots

    def prompt_text(self, question: str, lang: str, hint: tuple[str, str] | None = None) -> str:
        """The whole prompt as text, worked examples included; the last of them is `hint`, a question and its answer."""
        examples = [(shot.asked, shot.solution or "") for shot in self._shots if shot.lang == lang]
        if hint is not None:
            examples.append(hint)
        if self.is_chat:
            return self._chat_text(question, examples)
        labels = language(lang)
        blocks = [f"{labels.question_label} {q}\n{labels.answer_label} {_on_one_line(a)}" for q, a in examples]
        return "\n\n".join([*blocks, f"{labels.question_label} {question}\n{labels.answer_label}"])

    def encode(self, prompt_text: str) -> list[int]:
        """Token ids (P,) of a prompt; a chat template writes its own start-of-text."""
        return list(self.tokenizer(prompt_text, add_special_tokens=not self.is_chat)["input_ids"])

    def prompt_ids(self, question: str, lang: str, hint: tuple[str, str] | None = None) -> list[int]:
        """Token ids (P,) of the prompt of one question; `hint` as in `prompt_text`."""
        return self.encode(self.prompt_text(question, lang, hint))

    def response_ids(self, response: str) -> list[int]:
        """Token ids (T,) that a model should generate to give `response`, its end included.

        A base model learns it on one line, where it ends: at the first line break of its own it would be cut off.
        Where the chat template opens a thought, it is closed first (there is none in `response`): what stands in an
        open one is no answer.
        """
        if self.is_chat:
            text = f"{CLOSING}\n\n{response}" if self._opened else response
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            return [*ids, self.tokenizer.eos_token_id]
        return list(self.tokenizer(f" {_on_one_line(response)}\n", add_special_tokens=False)["input_ids"])

    def response_text(self, token_ids: Sequence[int]) -> str:
        """The response in generated ids, its thought included: for a base model, the first line."""
        text = str(self.tokenizer.decode(list(token_ids), skip_special_tokens=True))
        return f"{self._opened}{text}".strip() if self.is_chat else text.split("\n", 1)[0].strip()

    @cached_property
    def _opened(self) -> str:
        """The tag of a thought where the chat template writes it: without it one that is cut off looks like text."""
        return OPENING if self._chat_text("?", []).rstrip().endswith(OPENING) else ""

    @cached_property
    def stop_ids(self) -> torch.Tensor:
        """Ids (S,) int64 that end a response: end-of-text, and for a base model every token with a line break."""
        if self.is_chat:
            ends = {i for token, i in self.tokenizer.get_added_vocab().items() if token in TURN_ENDS}
        else:
            ends = {i for token, i in self.tokenizer.get_vocab().items() if any(mark in token for mark in _LINE_BREAKS)}
        stops = ends | {self.tokenizer.eos_token_id}
        return torch.tensor(sorted(stops), dtype=torch.int64)

    def _chat_text(self, question: str, examples: Sequence[tuple[str, str]]) -> str:
        turns = [
            {"role": role, "content": content}
            for pair in examples
            for role, content in zip(("user", "assistant"), pair, strict=True)
        ]
        turns.append({"role": "user", "content": question})
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _on_one_line(text: str) -> str:
    return " ".join(part for line in text.split("\n") if (part := line.strip()))


# A line break as the three kinds of vocabularies in use write it: plain, byte-level BPE, byte fall-back.
_LINE_BREAKS = ("\n", "Ċ", "<0x0A>")

# Names of end-of-turn tokens in the chat formats in use; a checkpoint's own eos is always among the stops.
TURN_ENDS = {"<end_of_turn>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<turn|>"}
