"""``python -m benchmarks.architectures``: try every model type, and write the table of docs/architectures.md.

Results are kept as one JSON line each, so that a run can be stopped and goes on where it was;
``--again WORD`` tries those again whose outcome or reason has a word in it.
"""

import argparse
import json
import os
import resource
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

RESULTS = Path("out/architectures.jsonl")
TABLE = Path("docs/architectures.md")
_SECONDS, _BYTES = 60, 6 << 30


def main() -> None:
    """Try what was asked for, then write the table."""
    given = _arguments()
    known = read(given.results)
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    everything = sorted(MODEL_MAPPING_NAMES)
    chosen = given.names or [
        name for name in everything
        if name not in known or any(word in json.dumps(known[name]) for word in given.again)
    ]  # fmt: skip
    if given.part:
        chosen = chosen[given.part[0] :: given.part[1]]
    given.results.parent.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        started = time.monotonic()
        found = {**tried(name, given.seconds), "seconds": round(time.monotonic() - started, 1)}
        with given.results.open("a") as file:
            file.write(json.dumps(found) + "\n")
        print(f"{name}: {found['outcome']} {found.get('reason', '')}"[:160], flush=True)
    if not given.part:
        from benchmarks.architectures.table import written

        known = read(given.results)
        TABLE.write_text(written([known[name] for name in everything if name in known]))


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The last result of every model type."""
    lines = path.read_text().splitlines() if path.exists() else ()
    from benchmarks.architectures.trial import Result

    return {found["model_type"]: asdict(Result(**found)) for found in map(json.loads, lines)}


def tried(model_type: str, seconds: int = _SECONDS) -> dict[str, Any]:
    """One trial in a process of its own, with limits on time and memory: a bad model ends nothing else."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _child(model_type, writing, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if told:
        return dict(json.loads(told))
    ended = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {status}"
    late = ended == "SIGALRM"
    reason = f"not done after {seconds} s" if late else f"its process ended ({ended})"
    return {"model_type": model_type, "outcome": "not built", "reason": reason}


def _child(model_type: str, writing: int, seconds: int) -> None:
    """Never returns."""
    try:
        signal.alarm(seconds)
        resource.setrlimit(resource.RLIMIT_DATA, (_BYTES, _BYTES))
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
        from benchmarks.architectures.trial import Result, trial

        try:
            found = trial(model_type)
        except MemoryError:
            found = Result(model_type, reason="needs more memory than the limit")
        except Exception as error:
            full = "can't allocate memory" in str(error)
            outcome = "not built" if full else "failed"
            reason = "needs more memory than the limit" if full else f"{type(error).__name__}: {error}"[:300]
            found = Result(model_type, outcome, reason=reason)
        os.write(writing, json.dumps(asdict(found)).encode())
    finally:
        os._exit(0)


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="model types (default: all that have no result yet)")
    parser.add_argument("--again", action="append", default=[], metavar="WORD")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--seconds", type=int, default=_SECONDS)
    parser.add_argument("--part", type=int, nargs=2, metavar=("K", "N"), help="only the K-th of N parts")
    return parser.parse_args()


def _warm() -> None:
    """Import what every trial needs once, before the processes part: seconds each otherwise."""
    import torch
    import transformers.modeling_layers
    import transformers.models.llama.modeling_llama  # noqa: F401
    import xarray  # noqa: F401

    import genviz.capture
    import genviz.capture.verifying  # noqa: F401
    from benchmarks.architectures import trial  # noqa: F401

    torch.set_num_threads(1)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    _warm()
    main()
