"""Find links that lead nowhere: in the Markdown of the project, or in the built site.

    python docs/links.py           # README.md, CONTRIBUTING.md, CHANGELOG.md, docs/, benchmarks/
    python docs/links.py site      # every page of the built site, and what it would load

Nothing outside the project is asked. An anchor is a heading as GitHub and the site spell it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from text import slug

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^(?P<ticks>`{3,}).*?^(?P=ticks)[ \t]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
LINK = re.compile(r"\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\](?:\([^()]*\))?)*)\]\((?P<to>[^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
NAMED = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"[a-z]+:|//")
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}


def sources(root: Path) -> list[Path]:
    """Return the Markdown files that people read."""
    top = [root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md"]
    below = [*(root / "docs").rglob("*.md"), *(root / "benchmarks").rglob("*.md")]
    return [*(path for path in top if path.is_file()), *sorted(below)]


def broken(root: Path) -> list[str]:
    """Say of each link that leads nowhere where it stands and what is missing."""
    found = []
    for path in sources(root):
        for line, target in links(path.read_text(encoding="utf-8")):
            wrong = _wrong(path, target, root)
            if wrong:
                found.append(f"{path.relative_to(root)}:{line}: {target}: {wrong}")
    return found


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the target of each link and picture that stands in no code."""
    for match in re.finditer(r"\]\(([^()\s]+)\)", without_code(text)):
        yield text.count("\n", 0, match.start()) + 1, match[1]


def without_code(text: str) -> str:
    """Return a text of the same length, its code blanked out."""
    blank = re.compile(r"[^\n]")
    for code in (FENCE, CODE):
        text = code.sub(lambda found: blank.sub(" ", found[0]), text)
    return text


def _wrong(page: Path, target: str, root: Path) -> str:
    """Say what is wrong with a target; nothing if it is there."""
    if ELSEWHERE.match(target):
        return ""
    path, anchor = urldefrag(target)
    place = (page.parent / unquote(path)).resolve() if path else page
    if not place.is_relative_to(root.resolve()):
        return "leads out of the project"
    if not place.exists():
        return "no such file"
    if anchor and anchor not in anchors(place):
        return f"no heading #{anchor} in {place.relative_to(root.resolve())}"
    return ""


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page.

    A heading that is there twice counts once: GitHub and the site spell the second differently.
    """
    if page.suffix != ".md":
        return frozenset()
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return frozenset(map(slug, HEADING.findall(text))) | frozenset(NAMED.findall(text))


class Page(HTMLParser):
    """What a built page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.loaded: set[str] = set()
        self.ids: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag's addresses and its id."""
        given = {name: value for name, value in attrs if value}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        for name in {"href", "src"} & given.keys():
            (self.loaded if (tag, name) in LOADS else self.targets).add(given[name])
        if tag == "pre" and "mermaid" in given.get("class", "").split():
            self.loaded.add("https://unpkg.com/mermaid")  # by the theme's script


def broken_in_site(site: Path) -> list[str]:
    """Say of each page of the site which links lead nowhere and what it would load from others."""
    pages = {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site.resolve())
        found += [f"{here}: loads {a}" for a in sorted(page.loaded) if ELSEWHERE.match(a)]
        for target in sorted(page.targets | page.loaded):
            if not ELSEWHERE.match(target) and not _is_there(path, target, pages, site):
                found.append(f"{here}: {target}: no such file or place")
    index = site.resolve() / "index.html"
    listed = {(site.resolve() / urldefrag(target)[0]).resolve() for target in pages[index].targets}
    lost = sorted(set(pages) - listed - {index, site.resolve() / "404.html"})
    return found + [f"{path.relative_to(site.resolve())}: is in no menu" for path in lost]


def _is_there(page: Path, target: str, pages: dict[Path, Page], site: Path) -> bool:
    path, anchor = urldefrag(target)
    base = site.resolve() if path.startswith("/") else page.parent
    place = (base / unquote(path.lstrip("/"))).resolve() if path else page
    if anchor and place in pages:
        return anchor in pages[place].ids
    return place.is_file()


def main() -> int:
    """Check one of both; return 1 if anything leads nowhere."""
    found = broken_in_site(Path(sys.argv[1])) if sys.argv[1:] else broken(ROOT)
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
