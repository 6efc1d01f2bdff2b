"""Draw the Mermaid diagrams of docs/ as pictures for the site, which loads nothing from elsewhere.

    python docs/diagrams.py

GitHub draws them by itself. A picture is named after what it is drawn from, so a diagram that was
changed has none until this is run. It needs npm, which brings Mermaid once, and Chromium.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).parent
MERMAID = re.compile(r"```mermaid\n(.*?)\n```", re.DOTALL)
VERSION = "mermaid@11"
SETTINGS = {"startOnLoad": False, "theme": "neutral", "flowchart": {"htmlLabels": False}}
CHROMIUM = [
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--virtual-time-budget=20000", "--dump-dom"),
]
# htmlLabels also stands at the top in newer versions; the answer is escaped so that the DOM, which
# is what Chromium hands out, holds it as text.
PAGE = """<!doctype html><meta charset="utf-8"><body><script src="mermaid.min.js"></script><script>
mermaid.initialize({{...{settings}, htmlLabels: false}});
mermaid.render("diagram", {text}).then(({{svg}}) => {{
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = svg;
}});
</script>"""


def picture_of(diagram: str) -> str:
    """Return where the picture of a diagram is, below docs/."""
    return f"images/diagram-{hashlib.sha256(diagram.encode()).hexdigest()[:12]}.svg"


def diagrams(docs: Path) -> dict[str, str]:
    """Return every diagram of the pages by its picture."""
    found = [d for path in docs.rglob("*.md") for d in MERMAID.findall(path.read_text("utf-8"))]
    return {picture_of(diagram): diagram for diagram in found}


def draw(missing: Iterable[tuple[str, str]]) -> None:
    """Draw pictures with Mermaid, in a browser without a window."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["npm", "pack", "--silent", VERSION], cwd=folder, check=True)
        (archive,) = folder.glob("mermaid-*.tgz")
        subprocess.run(["tar", "-xzf", archive.name, "package/dist"], cwd=folder, check=True)
        program = folder / "package/dist/mermaid.min.js"
        page = program.with_name("page.html")
        for picture, diagram in missing:
            text = PAGE.format(settings=json.dumps(SETTINGS), text=json.dumps(diagram))
            page.write_text(text, encoding="utf-8")
            command = [*CHROMIUM, f"--user-data-dir={folder / 'profile'}", page.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            drawn = re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)
            if drawn is None:
                raise SystemExit(f"Mermaid drew nothing for {picture}: {done.stderr[-2000:]}")
            svg = html.unescape(drawn[1]).replace('style="', 'style="background:white;', 1)
            (DOCS / picture).write_text(svg + "\n", encoding="utf-8")
            sys.stdout.write(f"docs/{picture}\n")


def main() -> None:
    """Draw what is missing, and remove pictures of diagrams that are gone."""
    wanted = diagrams(DOCS)
    for path in (DOCS / "images").glob("diagram-*.svg"):
        if path.relative_to(DOCS).as_posix() not in wanted:
            path.unlink()
    missing = [(p, d) for p, d in wanted.items() if not (DOCS / p).is_file()]
    if missing:
        draw(missing)


if __name__ == "__main__":
    main()
