"""Compose conf/ by Hydra, as its users expect it, and hand over checked settings.

The only module, with choices.py and params.py, that imports Hydra.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Hydra swallows exceptions and exits with 1 unless told to let them through to our own exit.
os.environ["HYDRA_FULL_ERROR"] = "1"

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from restock.cli.choices import NO_NAME, config_folders, explain, explain_no_name
from restock.cli.project import conf_folder
from restock.errors import ConfigError, RestockError
from restock.settings.tree import Settings, parse_settings


@dataclass(frozen=True)
class Job:
    """One composed configuration of a command.

    Attributes:
        settings: What it says.
        overrides: The settings paths that were given on the command line, with their values.
        folder: Where a job of a multirun writes; None for a single run.
    """

    settings: Settings
    overrides: dict[str, str]
    folder: Path | None


def compose(command: str, arguments: Sequence[str], run: Callable[[Job], None]) -> None:
    """Compose the configuration and call ``run``: once, or once per job of a multirun.

    Hydra's own flags (``-m``, ``--cfg job``, ``--config-dir``, ``--shell-completion``) work.

    Raises:
        ConfigError: If the configuration cannot be composed or checked.
    """
    failures: list[RestockError] = []

    def job(config: DictConfig) -> None:
        # Hydra prints its own line about whatever a job raises: ours is raised after it.
        if not failures:
            try:
                checked(config)
            except RestockError as error:
                failures.append(error)

    def checked(config: DictConfig) -> None:
        hydra_config = HydraConfig.get()
        _complete_data(config, hydra_config.runtime.choices.get("data"))
        tree: Any = OmegaConf.to_container(config, resolve=True)
        folders = [source.path for source in hydra_config.runtime.config_sources]
        _resolve_source(tree, hydra_config.runtime.choices.get("data"), folders)
        multirun = hydra_config.mode == RunMode.MULTIRUN
        folder = Path(hydra_config.runtime.output_dir) if multirun else None
        given = dict(item.split("=", 1) for item in hydra_config.overrides.task if "=" in item)
        given = {path.lstrip("+~"): value for path, value in given.items()}
        run(Job(parse_settings(tree, where="configuration"), given, folder))

    conf = conf_folder()
    main = hydra.main(version_base="1.3", config_path=str(conf), config_name="config")
    before = sys.argv
    sys.argv = [f"restock {command}", *arguments]
    try:
        main(job)()
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(explain(error, config_folders(conf, arguments))) from None
    except ValueError as error:
        if not str(error).startswith(NO_NAME):
            raise
        raise ConfigError(explain_no_name(arguments, config_folders(conf, arguments))) from None
    except YAMLError as error:
        raise ConfigError(f"a configuration file is no valid YAML: {error}") from None
    finally:
        sys.argv = before
    if failures:
        raise failures[0]


def _complete_data(config: DictConfig, choice: str | None) -> None:
    """Give a data set what other groups refer to, where its file does not start from base."""
    if not isinstance(config.get("data"), DictConfig):
        raise ConfigError(f"data/{choice}.yaml: expected a mapping of settings")
    with open_dict(config):
        # In a file of a subfolder, Hydra puts `/data/base` below the file's own place.
        if isinstance(base := config.data.pop("data", None), DictConfig):
            config.data = OmegaConf.merge(base, config.data)
        name = choice.replace("/", "_") if choice else choice
        for key, value in (("name", name), ("country", None), ("price", None)):
            config.data.setdefault(key, value)


def _resolve_source(tree: dict[str, Any], choice: str | None, folders: Iterable[str]) -> None:
    """Read a relative source path from the folder of the YAML file that says it."""
    source = tree["data"].get("source")
    if not isinstance(source, dict) or not source.get("path"):
        return
    for folder in folders:
        file = Path(folder) / "data" / f"{choice}.yaml"
        if folder and file.is_file():
            source["path"] = str((file.parent / source["path"]).resolve())
            return
