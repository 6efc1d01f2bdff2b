"""The bundle: all that a forecast needs, as files. They are checked before they are used.

It predicts with NumPy and ONNX Runtime. It must not know Keras, TensorFlow or the training.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from restock.data.files import digest, read_json
from restock.errors import DataError, IntegrityError
from restock.features.maker import feature_source
from restock.features.state import read_state
from restock.forecasters.assemble import PanelNetwork
from restock.forecasters.baselines.forest import FittedTrees
from restock.forecasters.baselines.simple import simple_baselines
from restock.forecasters.baselines.spread import Pool
from restock.forecasters.combine import Combination
from restock.forecasters.names import BOOSTED_TREES, LSTM, MIX
from restock.forecasters.safety import check_archives, check_files
from restock.settings.baselines import BaselineSettings
from restock.settings.features import FeatureSettings
from restock.settings.model import Likelihood, ModelSettings
from restock.settings.windows import WindowSettings
from restock.types.features import FeatureState
from restock.types.forecast import DemandForecast, FittedForecaster
from restock.types.panel import DemandPanel, IntArray
from restock.windows.sequences import WindowMaker

FORMAT = 3
MANIFEST = "manifest.json"
CONTENTS = ("model.keras", "model.onnx", "state.json")
TREES = "trees.npz"  # only if boosted trees forecast or are mixed in
POOLS = "baselines.npz"  # only if simple baselines do


@dataclass(frozen=True)
class Manifest:
    """What a bundle contains and what it was made from.

    Attributes:
        digest: sha256 of the weights, the trees and the combination. It identifies the bundle.
        files: sha256 of each file, by name.
        frequency, unit: Those of the panel it was trained on.
        horizon: Periods it forecasts.
        levels: Quantile levels of its forecasts.
        roles: Columns that a panel must have, by role.
        train_end: Label of the last training target.
        cut: Digest of the horizon and of where each series' training targets end.
        features, windows: Settings of its inputs.
        model, training: Settings of the network and of its training.
        combination, baselines: How the network's forecast is mixed and calibrated, and the
            settings of the simple forecasts that are mixed in.
        seed: Seed of the training.
        tuning_loss: Loss on the tuning folds; None if there are none.
        data_digest: sha256 of the saved panel.
        versions: Versions of the libraries that trained it.
        format: Version of the bundle's own format.
        choice: Name of what was ``chosen`` to forecast, the loss it was chosen ``by``, the learned
            ``mix``, the ``candidates`` with their losses, and ``why`` in one sentence. Empty in a
            bundle of an earlier version, which forecasts by its mix.
        steps: Number of gradient steps, chosen on the tuning folds. None in a bundle of an earlier
            version.
        epochs: Number of epochs in a bundle of an earlier version; else None.
    """

    digest: str
    files: dict[str, str]
    frequency: str
    unit: str
    horizon: int
    levels: list[float]
    roles: dict[str, list[str]]
    train_end: str
    cut: str
    features: dict[str, Any]
    windows: dict[str, Any]
    model: dict[str, Any]
    training: dict[str, Any]
    combination: dict[str, Any]
    baselines: dict[str, Any]
    seed: int
    tuning_loss: float | None
    data_digest: str
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    choice: dict[str, Any] = field(default_factory=dict)
    steps: int | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Bundle:
    """A fitted forecaster, loaded from a folder by :func:`load_bundle`.

    Attributes:
        folder: Folder of its files.
        manifest: What it contains and what it was made from.
        state: Learned constants of the features.
    """

    folder: Path
    manifest: Manifest
    state: FeatureState

    @property
    def horizon(self) -> int:
        """Periods it forecasts, H."""
        return self.manifest.horizon

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        return onnxruntime.InferenceSession(
            str(self.folder / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    @cached_property
    def _trees(self) -> FittedTrees:
        return FittedTrees.from_bytes(
            (self.folder / TREES).read_bytes(),
            FeatureSettings.model_validate(self.manifest.features),
            self.horizon,
            np.array(self.manifest.levels),
            self.state,
        )

    @cached_property
    def _pools(self) -> dict[str, Pool]:
        path = self.folder / POOLS
        return pools_from_bytes(path.read_bytes()) if path.is_file() else {}

    @property
    def _likelihood(self) -> Likelihood:
        return ModelSettings.model_validate(self.manifest.model).likelihood

    @property
    def chosen(self) -> str:
        """Name of what forecasts: a model, models that are joined by plus signs, or the mix."""
        return str(self.manifest.choice.get("chosen", MIX))

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """What could have been chosen, best first; none if an earlier version made the bundle."""
        return list(self.manifest.choice.get("candidates", []))

    @property
    def combination(self) -> Combination:
        """What forecasts, and how it is mixed and calibrated."""
        return Combination(**self.manifest.combination)

    @property
    def mix(self) -> Combination:
        """The mix that was learned, whether it was chosen or not."""
        return Combination(**self.manifest.choice.get("mix", self.manifest.combination))

    def predict(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast the H periods after each series' origin. Demand after it is not read.

        Args:
            panel: History and known future of the series. They need not be those of the training.
            origins: Last known grid position per series; at least 0. Shape ``(N,)``.

        Returns:
            Quantiles of each step and of the running total, in units.

        Raises:
            DataError: If the panel lacks a column or has another frequency.
        """
        return self.combination.forecast(
            panel, origins, network=self.predict_network, others=self.predict_others
        )

    def predict_others(self, panel: DemandPanel, origins: IntArray) -> dict[str, DemandForecast]:
        """Return the forecasts that are mixed with the network's, by model.

        Raises:
            DataError: If the panel lacks a column or has another frequency.
        """
        self._check(panel)
        names = [name for name in self.combination.weights if name != LSTM]
        return {name: self._other(name).predict(panel, origins) for name in names}

    def _other(self, name: str) -> FittedForecaster:
        if name == BOOSTED_TREES:
            return self._trees
        settings = BaselineSettings.model_validate(self.manifest.baselines)
        features = FeatureSettings.model_validate(self.manifest.features)
        levels = np.array(self.manifest.levels)
        model = simple_baselines(settings, self.horizon, levels, features)[name]
        return replace(model, pool=self._pools.get(name), seasons=self.state.seasons)

    def predict_network(self, panel: DemandPanel, origins: IntArray) -> DemandForecast:
        """Forecast by the network alone, neither mixed nor calibrated."""
        return self.network(panel).predict(origins)

    def network(self, panel: DemandPanel) -> PanelNetwork:
        """Return the network, ready for a panel and its windows.

        Raises:
            DataError: If the panel lacks a column or has another frequency.
        """
        self._check(panel)
        features = FeatureSettings.model_validate(self.manifest.features)
        windows = WindowMaker(
            feature_source(panel, features, self.state, self.horizon),
            panel.first_seen,
            self.state.typical_scale,
            self.horizon,
            WindowSettings.model_validate(self.manifest.windows),
        )
        name = self._session.get_outputs()[0].name
        return PanelNetwork(
            lambda inputs: self._session.run([name], inputs)[0],
            windows,
            panel,
            self.state,
            np.array(self.manifest.levels),
            likelihood=self._likelihood,
        )

    def _check(self, panel: DemandPanel) -> None:
        if panel.frequency != self.manifest.frequency:
            raise DataError(
                f"the model was trained on periods of frequency {self.manifest.frequency}, but the "
                f"panel has {panel.frequency}. Prepare the panel with data.frequency="
                f"{self.manifest.frequency}, or train a model for {panel.frequency}."
            )
        for role, names in roles(panel).items():
            missing = sorted(set(self.manifest.roles[role]) - set(names))
            if missing:
                raise DataError(
                    f"the panel lacks the {role} column(s) {', '.join(missing)}, which the model "
                    f"needs. Add them to data.columns.{role} or train again without them."
                )


def pools_to_bytes(pools: Mapping[str, Pool]) -> bytes:
    """Return what baselines have learned of all series as a NumPy archive."""
    buffer = io.BytesIO()
    arrays = {f"{n}/{part}": v for n, pool in pools.items() for part, v in vars(pool).items()}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def pools_from_bytes(content: bytes) -> dict[str, Pool]:
    """Read what :func:`pools_to_bytes` wrote."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        names = {stored.rpartition("/")[0] for stored in arrays.files}
        parts = [part.name for part in dataclasses.fields(Pool)]
        return {name: Pool(**{p: arrays[f"{name}/{p}"] for p in parts}) for name in names}


def name(parts: list[str], combination: Combination) -> str:
    """Return a bundle's digest: that of everything its forecasts depend on."""
    content = json.dumps([parts, dataclasses.asdict(combination)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def roles(panel: DemandPanel) -> dict[str, list[str]]:
    """Return a panel's columns by role."""
    return {
        "static": [str(name) for name in panel.static.columns],
        "known_future": list(panel.known_future),
        "observed": list(panel.observed),
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a bundle whose other files are already there."""
    text = json.dumps(dataclasses.asdict(manifest), indent=1, allow_nan=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read a bundle's manifest without loading the model."""
    content = read_json(folder / MANIFEST)
    if content.get("format") != FORMAT:
        raise IntegrityError(
            f"{folder}: bundle format {content.get('format')}, expected {FORMAT}. Train again with "
            "this version of restock."
        )
    if "tuning_wql" in content:  # what an earlier version called it
        content["tuning_loss"] = content.pop("tuning_wql")
    return Manifest(**content)


def load_bundle(folder: Path) -> Bundle:
    """Load a bundle. It first checks that the files are safe and unchanged. No TensorFlow needed.

    Args:
        folder: Folder that :meth:`restock.training.bundle.FittedBundle.save` wrote.

    Returns:
        A forecaster with ``predict(panel, origins)``.

    Raises:
        UserError: If there is no manifest in the folder.
        IntegrityError: If a file is missing, was changed or could run code, or the bundle has an
            older format. The message names the file.
    """
    manifest = read_manifest(folder)
    check_files(folder, {MANIFEST, *manifest.files})
    for name in sorted({*CONTENTS, *manifest.files}):
        path = folder / name
        if not path.is_file():
            raise IntegrityError(
                f"{path}: missing from the bundle. Restore it with `dvc checkout`."
            )
        found = digest(path)
        if found != manifest.files[name]:
            raise IntegrityError(
                f"{path}: corrupt (sha256 {found}, the manifest says {manifest.files[name]}). "
                "Restore it with `dvc checkout` or train again."
            )
    check_archives(folder)
    return Bundle(folder, manifest, read_state(folder / "state.json"))
