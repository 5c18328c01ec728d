"""One question to the trained model: what `pb-rlsvr ask` prints."""

from pathlib import Path

from components.contracts import Question, read_manifest, read_records
from components.contracts.records import System
from components.generation.responder import Responder
from components.generation.sampler import Decoding
from components.lang.table import language
from components.params import load_params

SHOTS = Path("data/problems/shots.jsonl")


def answer(question: str, lang: str, system: System = "trained") -> str:
    """The greedy response of `system` to a question in `lang`.

    Raises:
        PipelineError: The language has no templates, or the pipeline has not made the model or the adapter yet.
    """
    language(lang)  # an unknown language is told before anything loads
    params, manifest = load_params(), read_manifest()
    adapter = None if system == "base" else Path("adapters") / system
    responder = Responder.load(
        manifest.policy,
        params.models.dtype,
        read_records(SHOTS, Question),
        params.evaluate.batch_size,
        adapter,
    )
    ((response,),) = responder.respond([(question, lang)], Decoding(params.evaluate.max_new_tokens))
    return response.text
