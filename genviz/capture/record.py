"""``genviz.record``: attach to a model, run it, and have a recording."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Unpack

from torch import nn

from genviz.capture import attention, hooks
from genviz.capture.attending import AttentionKeeper
from genviz.capture.attention.seen import Seen
from genviz.capture.copies import first_tensor
from genviz.capture.families import Family, chosen
from genviz.capture.keeper import Keeper
from genviz.capture.layout import Layout
from genviz.capture.live import LiveRecording
from genviz.capture.modules import Model, Network
from genviz.capture.network import network_info
from genviz.capture.observable import out_of_sight, refuse_unobservable
from genviz.capture.settings import PARTS, Options, Settings, wanted_kinds
from genviz.capture.taps import UNSEEN, Taps, restricted
from genviz.capture.tokens import Tokens
from genviz.errors import CaptureError
from genviz.recording import Entry, Missing

_NOTHING_ATTENDED = (
    "no softmax attention: no attention function ran, nor a softmax of scores between positions"
)

Tokenised = Sequence[str] | Sequence[Sequence[str]]


def record(
    model: Model, *,
    tokens: Tokenised | None = None, target_tokens: Tokenised | None = None,
    labels: Mapping[str, Any] | None = None, to: str | Path | None = None,
    family: str | Family | None = None, sites: Sequence[str] | Mapping[str, str] | None = None,
    kinds: Iterable[str] | None = None, **options: Unpack[Options],
) -> "Capture":  # fmt: skip
    """Record what a model computes while the ``with`` block runs.

    Nothing in the model is edited: outputs, gradients, buffers, random numbers and flags are what they
    would be without it, and every hook is gone when the block is left, however it is left.

    Parameters
    ----------
    model : nn.Module, or mapping of name to nn.Module
        Any PyTorch model; several for a GAN: ``{"generator": G, "discriminator": D}``, whose names begin
        every site.
    tokens, target_tokens : sequence of str, or one sequence per sample, optional
        What stands at each position of the input (of the encoder), and of the decoder.
    labels : mapping, optional
        Name → one known value per sample.
    to : path, optional
        Write to a recording's folder instead of memory; :meth:`LiveRecording.flush` makes what was
        captured so far safe on disk, and leaving the block flushes the rest.
    family : str or Family, optional
        What kind of model this is, when its structure does not tell.
    sites : sequence of str, or mapping, optional
        Keep only these module paths (patterns as ``layers.*.attn`` are allowed); or say what the output of a
        module is: ``{"net.bottleneck": "latent"}``.
    kinds : iterable of str, optional
        Keep only these kinds (:data:`genviz.kinds.KINDS`); ``"attention"`` stands for all that it is
        worked out from.
    **options
        ``logits``, ``top``, ``tokenizer``, ``verify``, ``values``, ``title``, ``about``: see
        :class:`genviz.capture.settings.Settings`.

    Returns
    -------
    context manager
        Gives a :class:`LiveRecording`.

    Raises
    ------
    CaptureError
        Before the run, when the model cannot be observed (compiled, scripted) or an option is wrong.
    UnknownSite
        When a name in ``sites`` is not a module of the model.
    TokenMismatch
        When the tokens do not fit what the model is run on.

    Examples
    --------
    >>> model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1).eval()
    >>> with torch.no_grad(), record(model, tokens=["the", "cat", "sits"]) as recording:
    ...     _ = model(torch.randn(1, 3, 8))
    >>> recording.sites(kind="attention")
    ('layers.0.self_attn',)
    >>> recording.attention("layers.0.self_attn", head=0).shape
    (3, 3)
    """
    settings = Settings.of(options)
    given = Tokens(tokens, target_tokens, settings.tokenizer)
    return Capture(
        model, given, settings, labels=_labels(labels), to=to, family=family, sites=sites,
        kinds=wanted_kinds(kinds),
    )  # fmt: skip


class Capture(AbstractContextManager[LiveRecording]):
    """One ``with record(...)`` block; made by :func:`record`, entered once."""

    def __init__(
        self, model: Model, tokens: Tokens, settings: Settings, *,
        labels: Mapping[str, Any], family: str | Family | None,
        sites: Sequence[str] | Mapping[str, str] | None, kinds: frozenset[str] | None, to: str | Path | None,
    ) -> None:  # fmt: skip
        self._model, self._tokens, self._settings = model, tokens, settings
        self._labels, self._to = labels, to
        self._asked_family, self._sites, self._kinds = family, sites, kinds
        self._entered = False

    def __enter__(self) -> LiveRecording:
        """Attach; nothing is attached when anything here fails."""
        if self._entered:
            raise CaptureError("this record(...) was entered before: call record() once for each with block")
        self._entered = True
        refuse_unobservable(self._model)
        self._network = Network.of(self._model)
        family = self._asked_family
        self._family = family if isinstance(family, Family) else chosen(self._network, family)
        plan, only = restricted(self._family.plan(self._network), self._network, self._sites)
        self._plan = plan
        self.recording = LiveRecording(self._to)
        self._keeper = Keeper(self.recording, self._settings, self._kinds, only)
        self._attention = AttentionKeeper(self._keeper)
        self._taps = Taps(plan.taps, self._network, self._keeper, self)
        self._taps.on_ids = self._tokens.given
        self._layout = Layout(self._network, plan.attends)
        self._roots = frozenset(self._network.roots.values())
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.recording.before_writing = self._describe
        try:
            hooks.attach(self, self._stand_ins())
        except BaseException:
            hooks.detach(self)  # an interrupt may come when the last of it is in place
            raise
        return self.recording

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Detach, whatever happened; then complete the recording."""
        try:
            hooks.detach(self)
        except BaseException:
            hooks.detach(self)  # an interrupt: what it left
            raise
        try:
            self._finish()
            if kind is None:
                self._tokens.check_end()
        finally:
            self.recording.complete()

    # -- what runs (see hooks.Watcher) -------------------------------------------------------------

    def before(self, module: nn.Module) -> None:
        """Tell that a module is about to run."""
        if module in self._roots:
            if len(hooks.running()) > 1:
                hooks.drop_stale()
            self._attention.new_run()
            self._keeper.of_this_run.clear()

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Tell that a module ran."""
        path = self._network.path(module)
        if path is None or self._network.wraps(module):
            return
        with hooks.quiet():
            self._taps.ran(path, (args, kwargs, output))
            if path not in self._shapes and (result := first_tensor(output)) is not None:
                self._shapes[path] = tuple(result.shape)
            if module in self._roots:
                self._keeper.lay_out(self._layout)
                self._place_tokens()
                self._attention.end_run()

    def attended(self, seen: Seen) -> None:
        """Tell that attention was computed."""
        site = self._site_of(seen.module)
        if site is not None and not (seen.weights is not None and self._holds_attention(site)):
            self._attention.attended(site, seen, self._plan.attention_attrs(site))

    def valued(self, seen: Seen) -> None:
        """Tell the values of an attention call that was told before."""
        self._attention.valued(seen)

    def unattended(self, module: nn.Module | None, reason: str) -> None:
        """Tell that attention was computed in a way that cannot be kept."""
        site = self._site_of(module)
        if site is not None:
            self._keeper.lose(site, "attention", reason)

    def _holds_attention(self, site: str) -> bool:
        """Tell whether parts of a module compute attention: a softmax of its own is another thing's."""
        prefix = f"{site}." if site else ""
        return site not in self._plan.attends and any(
            path != site and path.startswith(prefix) for path in self._plan.attends
        )

    def _site_of(self, module: nn.Module | None) -> str | None:
        """The innermost module of this model that computes attention now."""
        for each in (module, *reversed(hooks.running())):
            if each is not None and (path := self._network.path(each)) is not None:
                return path
        return None

    def _place_tokens(self) -> None:
        """Say where in the sequence the tokens of a run stand that continues one (a KV cache)."""
        offset = self._attention.offset
        entries = [entry for entry in self._keeper.of_this_run if "token" in entry.axes]
        for side in {_side(entry) for entry in entries} if self._plan.two_sided else {None}:
            group = [e for e in entries if not self._plan.two_sided or _side(e) == side]
            longest = max((_tokens(e) for e in group), default=0)
            begins = offset if side in (None, "target_tokens") else 0
            for entry in group:
                start = begins + longest - _tokens(entry)
                if start and isinstance(entry.attrs, dict):
                    entry.attrs["start"] = {"token": start}

    # -- info ----------------------------------------------------------------------------------------

    def _sees_attention(self) -> bool:
        return self._kinds is None or bool({"attention", "query", "key", "value"} & self._kinds)

    def _stand_ins(self) -> Iterable[hooks.StandIn]:
        if not self._sees_attention():
            return ()
        return attention.stand_ins(self._network, self._keeper.wants_values)

    def _describe(self) -> None:
        """Write down all that is known about the run so far."""
        info = self.recording.info
        info.update(network_info(self._network, self._family, self._shapes))
        info.update(self._plan.info)
        info.update(self._tokens.info())
        if self._labels:
            info["labels"] = dict(self._labels)
        for name in ("title", "about"):
            if getattr(self._settings, name) is not None:
                info[name] = getattr(self._settings, name)

    def _finish(self) -> None:
        self._keeper.settle()
        self._describe()
        missing = [
            *self._plan.missing,
            *out_of_sight(self._model, weights=not self._plan.attends),
            *self._keeper.missing(),
            *self._taps.missing(),
        ]
        missing += self._attention.missing()
        missing += self._attention_missing()
        present = {(entry.site, entry.kind) for entry in self.recording.entries()}
        wanted = [m for m in missing if self._keeper.wants(m.site, *PARTS.get(m.kind, (m.kind,)))]
        if not self._taps.any_ran:
            wanted.insert(0, Missing("", min(self._kinds or {"activation"}), f"the model {UNSEEN}"))
        unique = {(m.site, m.kind): asdict(m) for m in reversed(wanted) if (m.site, m.kind) not in present}
        self.recording.info["missing"] = list(reversed(unique.values()))

    def _attention_missing(self) -> list[Missing]:
        if not self._sees_attention() or not self._taps.any_ran:
            return []
        seen = self.recording.sites(kind="attention")
        if not seen and self._family.name == "plain":
            return [Missing(next(iter(self._network.roots)), "attention", _NOTHING_ATTENDED)]
        return [
            Missing(
                site, "attention",
                "its module ran, but neither an attention function nor a softmax of scores was seen in it"
                if site in self._shapes else "its module did not run inside the with block",
            )
            for site in self._plan.attends
            if not any(not site or each == site or each.startswith(f"{site}.") for each in seen)
        ]  # fmt: skip


def _side(entry: Entry) -> str | None:
    found: str | None = entry.attrs.get("tokens", {}).get("token")
    return found


def _tokens(entry: Entry) -> int:
    return entry.shape[entry.axes.index("token")]


def _labels(labels: Any) -> dict[str, list[Any]]:
    """Labels as plain lists."""
    if labels is not None and not isinstance(labels, Mapping):
        raise CaptureError(
            f"labels= takes a dict of name to one value per sample, got {type(labels).__name__}: "
            'write labels={"class": [...]}'
        )
    found = {}
    for name, values in (labels or {}).items():
        listed = values.tolist() if hasattr(values, "tolist") else values
        if isinstance(listed, str) or not isinstance(listed, Iterable):
            raise CaptureError(
                f"labels={{{name!r}: …}} takes one value per sample, got {type(values).__name__}: give a list"
            )
        found[str(name)] = list(listed)
    return found
