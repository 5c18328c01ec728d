"""`make flow`: run the flow once, here and now, on the running Prefect server or on one of its own."""

import argparse
import sys

from components.closing import print_closing
from components.contracts import PipelineError
from components.environment import exit_on_sigterm
from components.params import load_params
from components.progress import say
from flows.settings import prefect_url, use_prefect


def main() -> None:
    """Parse, run, and print what `pb-rlsvr repro` prints."""
    parser = argparse.ArgumentParser(prog="python -m flows", description=__doc__)
    parser.add_argument("--target", action="append", help="only this stage and what it needs; repeatable")
    parser.add_argument("--force", action="store_true", help="run the stages although nothing changed")
    options = parser.parse_args()
    # Prefect hands SIGTERM on to whoever had it before the flow; by default that ends Python on the spot, and
    # the server that was started for this run would stay.
    exit_on_sigterm()
    try:
        load_params()  # the flow does it too, but here no server has been started for nothing
        if use_prefect():
            say(f"Prefect: the running server; watch it at {prefect_url()}")
        from flows.pipeline import pb_rlsvr

        pb_rlsvr(options.target, options.force)
        if options.target is None:
            print_closing()
    except KeyboardInterrupt:
        sys.exit(130)
    except PipelineError as error:
        for line in str(error).splitlines():
            print(f"pb-rlsvr: {line}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
