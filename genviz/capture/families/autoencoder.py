"""Autoencoders: what goes in, the code, its posterior where there is one, and what comes out."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from genviz.capture.families import structure
from genviz.capture.families.base import Call, Family, Plan, Tap
from genviz.capture.families.outputs import read_code, read_picture, read_posterior
from genviz.capture.modules import Network, parent
from genviz.recording import Missing

_ENCODERS = ("encoder", "enc", "encoder_net", "encode_net", "inference")
_DECODERS = ("decoder", "dec", "decoder_net", "decode_net", "generative")
# Layers beside encoder and decoder that give the posterior's mean and log variance.
_MEANS = ("mean", "mu", "fc_mu", "fc_mean", "to_mean", "to_mu", "mean_layer", "z_mean", "fc21", "linear_mu")
_LOG_VARIANCES = (
    "log_variance", "logvar", "log_var", "fc_logvar", "fc_log_var", "fc_var", "fc_log_variance",
    "to_log_variance", "to_logvar", "logvar_layer", "z_log_var", "fc22", "linear_logvar",
)  # fmt: skip
_POSTERIOR = ("mean", "log_variance")
Take = Callable[[Call], Tensor | None]


class Autoencoder(Family):
    """Encoder, code, decoder, in the forms in which people write them.

    The code is what the encoder returns when that is all there is between the two, and else what the decoder
    receives: a sampled code, or the output of layers that stand between them.
    """

    name = "autoencoder"

    def recognise(self, network: Network) -> float:
        """Parts of the usual names, or methods of those names; no ids embedded, no stacks of attention."""
        if any(isinstance(module, nn.Embedding | nn.EmbeddingBag) for module in network.modules.values()):
            return 0.0
        if _is_mostly_attention(network):  # nn.Transformer has an encoder and a decoder too
            return 0.3
        encoder, decoder = _part(network, _ENCODERS), _part(network, _DECODERS)
        if encoder is not None and decoder is not None:
            return 0.9
        root = network.roots.get("")
        by_method = callable(getattr(root, "encode", None)) and callable(getattr(root, "decode", None))
        return 0.8 if by_method else 0.0

    def plan(self, network: Network) -> Plan:
        """Tap encoder, decoder, what stands between them, and the model around them."""
        encoder, decoder = _part(network, _ENCODERS), _part(network, _DECODERS)
        site = encoder if encoder is not None else "encoder"
        wholes = [path for path in _around(network, encoder or decoder) if path not in (encoder, decoder)]
        taps: list[Tap] = []
        if encoder is not None:
            taps += _of_encoder(encoder, is_code=not _stands_between(network, encoder, decoder))
        taps += _of_layers(network, site, encoder)
        if decoder is not None:
            taps.append(Tap(decoder, "latent", site=site, take=_received_code))
            taps.append(Tap(decoder, "reconstruction", take=_picture))
        for path in wholes:
            taps += _of_whole(path, site, decoder is None)
        return Plan(tuple(taps), _missing(encoder, decoder, site))


def _is_mostly_attention(network: Network) -> bool:
    """Most weights lie in layers around attention, convolutions (with attention among them) aside."""
    layers = structure.blocks(network, structure.attention_modules(network))
    inside = {
        id(parameter): parameter.numel()
        for layer in layers
        for module in network[layer.path].modules()
        if not isinstance(module, nn.modules.conv._ConvNd)
        for parameter in module.parameters(recurse=False)
        if not is_lazy(parameter)
    }
    parameters = (p for root in network.roots.values() for p in root.parameters())
    whole = {id(p): p.numel() for p in parameters if not is_lazy(p)}
    return 2 * sum(inside.values()) > sum(whole.values())


def _part(network: Network, names: tuple[str, ...]) -> str | None:
    """The outermost module of one of these names."""
    paths = sorted((path for path in network.modules if path), key=lambda path: path.count("."))
    return next((path for path in paths if path.rpartition(".")[2].lower() in names), None)


def _around(network: Network, part: str | None) -> list[str]:
    """The modules that hold a part, outermost first; the roots when there is no such part."""
    if part is None:
        return list(network.roots)
    return [path for path in network.modules if path != part and (not path or part.startswith(f"{path}."))]


def _stands_between(network: Network, encoder: str, decoder: str | None) -> bool:
    """Tell whether more weights stand beside the two: then the encoder's output is not yet the code."""
    if encoder in network.roots:
        return False
    beside = [path for path, _ in network.children(parent(encoder)) if path not in (encoder, decoder)]
    return any(True for path in beside for _ in network[path].parameters())


def _of_encoder(encoder: str, *, is_code: bool) -> list[Tap]:
    posterior = [Tap(encoder, kind, take=_from_encoder(kind)) for kind in _POSTERIOR]
    code = [Tap(encoder, "latent", take=_returned_code)] if is_code else []
    return [Tap(encoder, "sample", site="", take=_given_outermost), *posterior, *code]


def _of_layers(network: Network, site: str, encoder: str | None) -> list[Tap]:
    """Layers named after the posterior that stand beside the encoder, not in it."""
    owners = list(network.roots) if encoder is None else [parent(encoder)]
    return [
        Tap(path, kind, site=site, take=_from_layer(kind))
        for owner in owners
        for path, _ in (network.children(owner) if owner in network.modules else ())
        for kind, names in zip(_POSTERIOR, (_MEANS, _LOG_VARIANCES), strict=True)
        if path.rpartition(".")[2].lower() in names
    ]


def _of_whole(path: str, site: str, draws: bool) -> list[Tap]:
    """The model as a whole: its input, and what it returns that no part of it gave."""
    taps = [Tap(path, "sample", site="", take=_given_outermost)]
    taps += [Tap(path, kind, site=site, take=_from_whole(kind)) for kind in _POSTERIOR]
    return taps + ([Tap(path, "reconstruction", site="decoder", take=_picture)] if draws else [])


def _missing(encoder: str | None, decoder: str | None, site: str) -> tuple[Missing, ...]:
    if decoder is not None or encoder is not None:
        return ()
    reason = (
        "neither encoder nor decoder is a module of its own, so the code between them cannot be seen: if a "
        "module "
        "gives it, say which with sites={'its.path': 'latent'}"
    )
    return (Missing(site, "latent", reason),)


# -- what each tap takes; the notes say what this run has given already ----------------------------


def _given_outermost(call: Call) -> Tensor | None:
    """The item itself is what the outermost module got; those inside may get it flattened or scaled."""
    return call.given if len(call.stack) == 1 else None


def _picture(call: Call) -> Tensor | None:
    return read_picture(call.output)


def _returned_code(call: Call) -> Tensor | None:
    code = read_code(call.output)
    latent = code.latent if code is not None and code.mean is None else None
    call.notes["code"] = latent
    return latent


def _received_code(call: Call) -> Tensor | None:
    """What the decoder got, unless the encoder's output is that very tensor and was taken already."""
    given, code = call.given, call.notes.get("code")
    return None if given is None or (code is not None and _same(given, code)) else given


def _same(left: Tensor, right: Tensor) -> bool:
    return left.data_ptr() == right.data_ptr() and left.numel() == right.numel()


def _from_encoder(kind: str) -> Take:
    def take(call: Call) -> Tensor | None:
        code = read_code(call.output)
        call.notes["by encoder"] = code is not None and code.mean is not None
        return None if code is None else getattr(code, kind)

    return take


def _from_layer(kind: str) -> Take:
    def take(call: Call) -> Tensor | None:
        if call.notes.get("by encoder"):
            return None
        call.notes[f"{kind} by layer"] = True
        return call.result

    return take


def _from_whole(kind: str) -> Take:
    def take(call: Call) -> Tensor | None:
        known = call.notes.pop(f"{kind} by layer", False) or call.notes.get("by encoder")
        if known or len(call.stack) > 1:
            return None
        code = read_posterior(call.output, call.given)
        return None if code is None else getattr(code, kind)

    return take
