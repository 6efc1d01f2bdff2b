"""Links that lead nowhere are found, in the project's Markdown and in a built site."""

from __future__ import annotations

from pathlib import Path

import pytest

import diagrams
import links
import stage
from text import slug


def project(folder: Path, **pages: str) -> Path:
    for name, text in {"README.md": "", **{f"docs/{k}.md": v for k, v in pages.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_no_link_of_the_project_leads_nowhere() -> None:
    assert links.broken(links.ROOT) == []


def test_a_broken_link_a_broken_anchor_and_a_missing_picture_are_found(tmp_path: Path) -> None:
    root = project(
        tmp_path,
        a="# A\n\n[one](b.md) [no](c.md)\n[two](b.md#the-end) [no](b.md#the-start)\n![no](x.png)\n",
        b="# B\n\n## The `end`\n\n[up](../README.md) [own](#b) [no](#c) [out](../../x)\n",
    )
    assert links.broken(root) == [
        "docs/a.md:3: c.md: no such file",
        "docs/a.md:4: b.md#the-start: no heading #the-start in docs/b.md",
        "docs/a.md:5: x.png: no such file",
        "docs/b.md:5: #c: no heading #c in docs/b.md",
        "docs/b.md:5: ../../x: leads out of the project",
    ]


def test_what_stands_in_code_is_no_link_and_no_heading(tmp_path: Path) -> None:
    text = "```md\n# No\n[no](no.md)\n```\n`[no](no.md)` [`yes`](a.md) [no](#no)\n"
    assert links.broken(project(tmp_path, a=text)) == [
        "docs/a.md:5: #no: no heading #no in docs/a.md"
    ]


@pytest.mark.parametrize(
    ("heading", "anchor"),  # as GitHub shows them
    [
        ("What a trial is", "what-a-trial-is"),
        ("`model.num_layers`", "modelnum_layers"),
        ("Accuracy & speed: 1.2", "accuracy--speed-12"),
        ("A [link](b.md)", "a-link"),
    ],
)
def test_an_anchor_is_spelt_as_github_spells_it(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def site(folder: Path, **pages: str) -> Path:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<body>{body}</body>")
    return folder


def test_a_broken_href_in_the_site_is_found(tmp_path: Path) -> None:
    site(tmp_path, index='<a href="a.html#x">a</a>', a='<a id="x"></a><a href="index.html">up</a>')
    assert links.broken_in_site(tmp_path) == []
    site(tmp_path, a='<a href="b.html">b</a> <img src="c.png"> <a href="index.html#y">y</a>')
    assert links.broken_in_site(tmp_path) == [
        "a.html: b.html: no such file or place",
        "a.html: c.png: no such file or place",
        "a.html: index.html#y: no such file or place",
        "index.html: a.html#x: no such file or place",
    ]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://unpkg.com/x"></script>',
        '<link href="https://fonts.example.org/css" rel="stylesheet">',
        '<img src="//example.org/x.png">',
        '<pre class="mermaid">a --> b</pre>',  # the theme fetches the program that draws it
    ],
)
def test_what_would_be_loaded_from_elsewhere_is_found(tmp_path: Path, tag: str) -> None:
    site(tmp_path, index=f'<a href="https://example.org">may be followed</a>{tag}')
    (found,) = links.broken_in_site(tmp_path)
    assert found.startswith("index.html: loads ")


def test_a_page_of_the_site_that_no_menu_names_is_found(tmp_path: Path) -> None:
    site(tmp_path, index="", a="")
    assert links.broken_in_site(tmp_path) == ["a.html: is in no menu"]


def test_a_page_is_staged_with_links_that_the_site_has(tmp_path: Path) -> None:
    text = (
        "[p](pipeline.md#x) [w](https://example.org) [c](../CHANGELOG.md) [s](../src/a.py) "
        "[d](decisions/) [r](../README.md) ![i](images/i.png) [`code`](../conf)\n"
        "```md\n[s](../src/a.py)\n```\n"
    )
    assert stage.staged(text, Path("docs/team.md"), tmp_path) == (
        "[p](pipeline.md#x) [w](https://example.org) [c](changelog.md) s "
        "[d](decisions/index.md) [r](index.md) ![i](images/i.png) `code`\n"
        "```md\n[s](../src/a.py)\n```\n"
    )


def test_pages_from_beside_docs_are_staged(tmp_path: Path) -> None:
    root, out = project(tmp_path / "root", index="[l](../CHANGELOG.md)"), tmp_path / "out"
    for source in stage.BESIDE:
        (root / source).parent.mkdir(exist_ok=True)
        (root / source).write_text("[i](docs/index.md) [m](Makefile)")
    (root / "docs/tool.py").write_text("")
    stage.stage(root, out)
    assert {path.name for path in out.iterdir()} == {"index.md", *stage.BESIDE.values()}
    assert (out / "changelog.md").read_text() == "[i](index.md) m"


def test_the_bar_of_a_type_in_a_table_loses_its_backslash() -> None:
    row = r"| `a` | `int \| None` | a \| b |"
    expected = r"| `a` | `int | None` | a \| b |"
    assert stage.staged(row, Path("docs/a.md"), links.ROOT) == expected


def test_a_diagram_becomes_its_picture_and_one_without_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs/images").mkdir(parents=True)
    block = "```mermaid\nflowchart LR\n  a --> b\n```"
    with pytest.raises(SystemExit, match=r"python docs/diagrams\.py"):
        stage.staged(block, Path("docs/decisions/a.md"), tmp_path)
    picture = diagrams.picture_of("flowchart LR\n  a --> b")
    (tmp_path / "docs" / picture).write_text("<svg/>")
    assert stage.staged(block, Path("docs/decisions/a.md"), tmp_path) == f"![](../{picture})"


def test_every_diagram_of_the_project_has_its_picture() -> None:
    drawn = {
        path.relative_to(diagrams.DOCS).as_posix() for path in diagrams.DOCS.rglob("diagram-*")
    }
    assert drawn == set(diagrams.diagrams(diagrams.DOCS))
