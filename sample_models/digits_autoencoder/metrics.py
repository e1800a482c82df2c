"""What the card of the digit autoencoder claims, computed on digits it was not trained on."""

from __future__ import annotations

import torch
from sklearn.decomposition import PCA

from sample_models.digits import LATENT_SIZE, digits, reading

from .model import DigitsAutoencoder, load


def evaluate(model: DigitsAutoencoder | None = None) -> dict[str, float]:
    """Return the card's metrics of `model`, or of the shipped weights.

    Returns
    -------
    dict of str to float
        `mse` per pixel on held-out digits, `mse_train` on the others, `mse_pca` of as many principal
        components as the code has numbers; `linear_accuracy`, `knn_accuracy`: see
        `sample_models.digits.reading`.
    """
    model = load() if model is None else model
    data = digits()
    images = torch.from_numpy(data.images)
    held_out = torch.from_numpy(data.held_out)
    with torch.no_grad():
        codes = model.encoder(images)
        error = (model(images) - images).square().mean(dim=(1, 2, 3))
    flat = images.flatten(1).numpy()
    pca = PCA(LATENT_SIZE).fit(flat[~data.held_out])
    rest = pca.inverse_transform(pca.transform(flat[data.held_out])) - flat[data.held_out]
    return {
        "mse": float(error[held_out].mean()),
        "mse_train": float(error[~held_out].mean()),
        "mse_pca": float((rest**2).mean()),
        **reading(codes.numpy(), data),
    }
