"""The harness's side of `bench.evaluation`, run by the Python of its own environment: prompts in, responses out.

Reads one JSON line a turn from standard input, `{"prompts": [...], "until": [[...], ...]}`, and answers with one line,
`{"texts": [...], "seconds": s}`. Arguments: checkpoint, batch size, most new tokens.
"""

import json
import sys
import time

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM


def main() -> None:
    """Load once, then a turn at a time."""
    checkpoint, batch_size, max_new_tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model = HFLM(pretrained=checkpoint, dtype="float32", device="cpu", batch_size=batch_size)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        options = {"max_gen_toks": max_new_tokens, "do_sample": False}
        requests = [
            Instance(request_type="generate_until", doc={}, arguments=(prompt, {"until": until, **options}), idx=0)
            for prompt, until in zip(asked["prompts"], asked["until"], strict=True)
        ]
        started = time.perf_counter()
        texts = model.generate_until(requests, disable_tqdm=True)
        print(json.dumps({"texts": texts, "seconds": time.perf_counter() - started}), flush=True)


if __name__ == "__main__":
    main()
