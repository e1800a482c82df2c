"""Generator against discriminator: codes, samples, and the scores of fakes and of real data."""

from typing import Any, Literal

from torch import Tensor

from genviz.capture.families.base import Call, Family, Plan, Tap
from genviz.capture.families.outputs import read_picture, read_score
from genviz.capture.modules import Network
from genviz.recording import Missing

_GENERATORS = ("generator", "gen", "netg", "g", "g_net")
_DISCRIMINATORS = ("discriminator", "disc", "netd", "d", "d_net", "critic")
Source = Literal["fake", "real", "other"]


class GAN(Family):
    """A generator and a discriminator, recorded over the user's own loop.

    A discriminator's input counts as *fake* when it shares memory with the generator's last output (itself,
    or ``detach()`` of it), when it was computed from it with gradients, or where a batch begins or ends
    with it (``torch.cat([real, fake])``); a leaf that asks for gradients, as a gradient penalty makes one,
    is *other*; all else is *real*. What cannot be seen: a fake that was both detached and then changed
    (augmented).
    """

    name = "gan"

    def recognise(self, network: Network) -> float:
        """Two networks under the usual names."""
        generator, discriminator = _found(network)
        return 0.95 if generator is not None and discriminator is not None else 0.0

    def plan(self, network: Network) -> Plan:
        """Tap what goes in and comes out of both."""
        generator, discriminator = _found(network)
        taps: list[Tap] = []
        missing: list[Missing] = []
        if generator is None:
            missing.append(_absent("generator", "sample", _GENERATORS))
        else:
            taps.append(Tap(generator, "latent", take=_code, attrs={"source": "fake"}))
            taps.append(Tap(generator, "sample", take=_sample, attrs={"source": "fake"}))
        if discriminator is None:
            missing.append(_absent("discriminator", "score", _DISCRIMINATORS))
        else:
            taps.append(Tap(discriminator, "sample", site="", take=_given("real"), attrs={"source": "real"}))
            for source in ("fake", "real", "other"):
                taps.append(Tap(discriminator, "score", take=_score(source), attrs={"source": source}))
        return Plan(tuple(taps), tuple(missing))


def _found(network: Network) -> tuple[str | None, str | None]:
    return _named(network, _GENERATORS), _named(network, _DISCRIMINATORS)


def _named(network: Network, names: tuple[str, ...]) -> str | None:
    """A root of one of these names, or a direct part of the only root."""
    paths = list(network.roots)
    if paths == [""]:
        paths = [path for path, _ in network.children("")]
    return next((path for name in names for path in paths if path.rpartition(".")[2].lower() == name), None)


def _absent(site: str, kind: str, names: tuple[str, ...]) -> Missing:
    return Missing(
        site,
        kind,
        f"no part is called {' or '.join(names[:2])}: record({{'generator': G, 'discriminator': D}})",
    )


def _code(call: Call) -> Tensor | None:
    given = call.given
    return None if given is None else given.flatten(1)


def _sample(call: Call) -> Tensor | None:
    picture = read_picture(call.output)
    if picture is not None:
        # The detached tensor shares its memory, which therefore cannot be given to other data.
        call.notes["fake"] = picture.detach()
    return picture


def _given(source: Source) -> Any:
    def take(call: Call) -> Tensor | None:
        rows = _rows(call).get(source)
        given = call.given
        return None if rows is None or given is None else given[rows]

    return take


def _score(source: Source) -> Any:
    def take(call: Call) -> Tensor | None:
        rows, given = _rows(call).get(source), call.given
        score = read_score(call.output)
        if rows is None or score is None or given is None or len(score) != len(given):
            return None
        return score[rows]

    return take


def _rows(call: Call) -> dict[Source, slice]:
    """Which rows of a discriminator's batch are fake, and which real."""
    given, fake = call.given, call.notes.get("fake")
    if given is None or given.ndim == 0:
        return {}
    if fake is None:
        return {"other" if given.requires_grad and given.is_leaf else "real": slice(None)}
    if _shares_memory(given, fake) or (given.requires_grad and not given.is_leaf):
        return {"fake": slice(None)}
    if given.requires_grad:
        return {"other": slice(None)}
    return _of_both(given, fake)


def _shares_memory(given: Tensor, fake: Tensor) -> bool:
    return given.untyped_storage().data_ptr() == fake.untyped_storage().data_ptr() and given.numel() > 0


def _of_both(given: Tensor, fake: Tensor) -> dict[Source, slice]:
    """Real and fake in one batch: the fakes stand at one of its ends."""
    count, whole = len(fake), len(given)
    if given.shape[1:] != fake.shape[1:] or count == 0 or count > whole or given.device != fake.device:
        return {"real": slice(None)}
    if bool((given[whole - count :] == fake).all()):
        return (
            {"real": slice(0, whole - count), "fake": slice(whole - count, whole)}
            if whole > count
            else _ALL_FAKE
        )
    if bool((given[:count] == fake).all()):
        return {"fake": slice(0, count), "real": slice(count, whole)}
    return {"real": slice(None)}


_ALL_FAKE: dict[Source, slice] = {"fake": slice(None)}
