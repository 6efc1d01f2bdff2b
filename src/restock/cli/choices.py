"""The groups of conf/ and their choices, and what is said of one that is not there."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from hydra.errors import MissingConfigException

from restock.errors import did_you_mean, nearest
from restock.settings.base import paths
from restock.settings.earlier import MOVED
from restock.settings.tree import Settings

NO_NAME = "Config group override must be a string"  # Hydra's words for `data=null` and `data=3`


def config_folders(conf: Path, arguments: Sequence[str]) -> list[Path]:
    """Return where groups and choices lie: conf/, and what ``--config-dir`` names."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    own = parser.parse_known_args(list(arguments))[0].config_dir
    return [conf, *([own.resolve()] if own else [])]


def explain(error: Exception, folders: Sequence[Path]) -> str:
    """Say in our words that a group, a choice or a setting is unknown; name the nearest, and all.

    Args:
        error: What Hydra raised.
        folders: Where groups and choices lie.
    """
    message = str(error).strip()
    asker = re.match(r"In '(?!config'|hydra/)([^']+)': ", message)  # else the command line asks
    where = f" ({asker[1]}.yaml asks for it)" if asker else ""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        return _no_choice(error.missing_cfg_file, error.options or (), where, folders)
    unknown = re.search(r"Could not override '([^']+)'", message)
    if unknown and unknown[1] in paths(Settings):
        return (
            f"the configuration gives {unknown[1]} no value that could be overridden{where}. "
            f"To add one, write a plus before it: +{unknown[1]}=VALUE."
        )
    if unknown and "." in unknown[1]:
        return f"no setting {unknown[1]!r}{where}. {_near(unknown[1])}"
    if unknown:
        return _no_group(unknown[1], where, folders)
    return message


def explain_no_name(arguments: Sequence[str], folders: Sequence[Path]) -> str:
    """Say that what was typed for a group is no name, and how to write a name like 2024."""
    known = {group for groups in _groups(folders).values() for group in groups}
    typed = [word for word in arguments if word.lstrip("+").split("=", 1)[0] in known]
    wrong = [word for word in typed if not isinstance(yaml.safe_load(word.split("=", 1)[1]), str)]
    return (
        f"{' or '.join(wrong or typed)}: the choice of a group must be a name, not a number, true, "
        "false or null. Leave it out for the default. Quote a name that looks like one of these: "
        "\"data='2024'\"."
    )


def _no_choice(file: str, options: Sequence[str], where: str, folders: Sequence[Path]) -> str:
    """Say which choices there are in place of one.

    Args:
        file: What is missing, as GROUP/NAME.
        options: What Hydra found in that group, its own choices included.
        where: Which file asks for it.
        folders: Where choices lie.
    """
    groups = [group for found in _groups(folders).values() for group in found]
    inside = [group for group in groups if file.startswith(f"{group}/")]
    group = max(inside, key=len, default=file.rpartition("/")[0])
    name = file.removeprefix(f"{group}/")
    if not group:
        return f"no {file}.yaml in {' or '.join(map(str, folders))}{where}."
    found = {str(folder / group): _names(folder / group) for folder in folders}
    ours = {known for names in found.values() for known in names}
    found["the Hydra library"] = sorted(set(options) - ours)
    own = folders[1] if len(folders) > 1 else None
    advice = f"write {own or 'DIR'}/{group}/NAME.yaml" + (
        "" if own else " and add --config-dir DIR"
    )
    return (
        f"no choice {name!r} for {group}{where}. {did_you_mean(name, {*ours, *options})}"
        f"The choices:\n{_listed(found)}\nFor one of your own, {advice}."
    )


def _no_group(path: str, where: str, folders: Sequence[Path]) -> str:
    if path in MOVED:
        return f"no setting {path!r}{where}. {_near(path)}"
    found = _groups(folders)
    every = {group for groups in found.values() for group in groups}
    return (
        f"no group and no setting {path!r}{where}. {did_you_mean(path, {*every, *paths(Settings)})}"
        f"The groups:\n{_listed({str(folder): groups for folder, groups in found.items()})}\n"
        "Write GROUP=CHOICE, or GROUP.KEY=VALUE for one setting; --config-dir DIR adds choices of "
        "your own."
    )


def _groups(folders: Sequence[Path]) -> dict[Path, list[str]]:
    """Return the groups in each folder, as they are typed."""
    return {
        folder: sorted({
            file.parent.relative_to(folder).as_posix() for file in folder.glob("*/**/*.yaml")
        })
        for folder in folders
    }  # fmt: skip


def _names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.yaml"))


def _listed(found: Mapping[str, Sequence[str]]) -> str:
    """Return a line for each place with something in it."""
    return "\n".join(
        f"  {', '.join(names)} (in {place})" for place, names in found.items() if names
    )


def _near(path: str) -> str:
    """Suggest settings in the same group, or any where the group is unknown, too."""
    if path in MOVED:
        return MOVED[path]
    known_paths = paths(Settings)
    group = path.rsplit(".", 1)[0] + "."
    siblings = [known for known in known_paths if known.startswith(group)]
    return nearest(path, siblings or known_paths)
