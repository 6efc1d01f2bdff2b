"""Write params.yaml, the composed form of conf/, exactly as DVC writes it; or check it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from restock.cli.choices import explain
from restock.cli.command import Typed
from restock.cli.compose import Job
from restock.cli.console import TerminalConsole
from restock.cli.project import NO_PROJECT, project_root
from restock.data.files import read_json, replacing
from restock.errors import ConfigError, UserError
from restock.settings.base import value_at
from restock.settings.tree import load_params, parse_settings
from restock.types import layout


def start(typed: Typed) -> None:
    """Write params.yaml; or, with ``--check``, fail if it differs from the composed conf/.

    Inside `dvc exp run`, DVC has just composed conf/ with overrides. Then the check is that no
    tuned value would replace an override.

    Raises:
        UserError: If params.yaml differs: the message shows how. Or if there is no project.
    """
    console, root = TerminalConsole("params"), project_root()
    path = root / "params.yaml"
    if typed.overrides or typed.hydra:
        raise UserError("restock params takes no overrides and only one flag, --check.")
    if not (root / "conf/config.yaml").is_file():
        raise UserError(NO_PROJECT)
    expected = composed(root / "conf")
    parse_settings(_settings_tree(expected), where="conf/")
    if "--check" not in typed.flags:
        with replacing(path) as aside:
            aside.write_text(expected, encoding="utf-8")
        console.note(f"wrote {path.name}")
    elif os.environ.get("DVC_EXP_NAME"):
        check_overrides(path, expected)
        console.note("params.yaml was composed by this experiment")
    else:
        _check_fresh(path, expected)
        console.note("params.yaml is what conf/ composes to")


def composed(conf: Path) -> str:
    """Return conf/ composed without overrides, as the text that DVC would write.

    Raises:
        ConfigError: If it cannot be composed.
    """
    try:
        with initialize_config_dir(str(conf.resolve()), version_base=None):
            config = compose(config_name="config")
        OmegaConf.resolve(config)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{conf}: {explain(error, [conf])}") from None
    return OmegaConf.to_yaml(config)


def _settings_tree(text: str) -> dict[str, object]:
    tree: dict[str, object] = yaml.safe_load(text)
    return tree


def _check_fresh(path: Path, expected: str) -> None:
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    if found == expected:
        return
    difference = difflib.unified_diff(
        found.splitlines(), expected.splitlines(), "params.yaml", "conf/ composed", lineterm="", n=1
    )
    raise UserError(
        "params.yaml is stale: it differs from what conf/ composes to. Run `restock params` and "
        "commit the result.\n" + "\n".join(difference)
    )


def check_overrides(path: Path, expected: str) -> None:
    """Refuse an experiment with an override that the tuner's best value would replace.

    Raises:
        ConfigError: If there is one. The message names the path, the given and the tuned value.
    """
    given = load_params(path)
    if not given.training.use_tuned:
        return
    configured = parse_settings(_settings_tree(expected), where="conf/")
    swept = [dimension.path for dimension in given.search.space.values()]
    differing = {
        p: str(value_at(given, p)) for p in swept if value_at(given, p) != value_at(configured, p)
    }
    refuse_swept(differing, path.parent / given.output_dir)


def refuse_replaced(job: Job) -> None:
    """Refuse typed values of swept settings if the tuner's best values would replace them.

    Raises:
        ConfigError: If there are such values. The message names both.
    """
    if job.settings.training.use_tuned:
        swept = {dimension.path for dimension in job.settings.search.space.values()}
        given = {path: value for path, value in job.overrides.items() if path in swept}
        refuse_swept(given, Path(job.settings.output_dir))


def refuse_swept(given: dict[str, str], outputs: Path) -> None:
    """Refuse given values of swept settings, because the tuner's best values would replace them.

    Args:
        given: Values by swept path, as the user gave them.
        outputs: Folder with the tuner's result, if there is one.

    Raises:
        ConfigError: If any value is given. The message names both values.
    """
    if not given:
        return
    tuning = outputs / layout.TUNING
    best = read_json(tuning).get("best", {}) if tuning.is_file() else {}
    lines = [
        f"{path}={value} was given, but training.use_tuned=true replaces it by the tuned value"
        + (f" {best[path]}" if path in best else " (nothing is tuned yet)")
        for path, value in given.items()
    ]
    raise ConfigError("\n".join([*lines, "Add training.use_tuned=false to train these values."]))
