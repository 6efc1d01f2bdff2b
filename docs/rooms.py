"""Draw the rooms of a Python package: which room imports which, in layers.

A room is a folder or a single module directly inside the package; the package's own `__init__` is
none. A room stands above everything it imports. Imports that only a type checker sees do not count.

    python docs/rooms.py src/restock rooms.png --title "Rooms"
"""

import argparse
import ast
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

DPI = 150
LEAST_WIDTH, MARGIN, HEADER = 1400 / DPI, 0.35, 1.35  # all lengths are inches
BOX_WIDTH, BOX_HEIGHT, BOX_GAP = 1.75, 0.72, 0.4
LANE_STEP, RAIL_STEP = 0.42, 0.12
PORT = 0.85 * BOX_WIDTH  # where lanes enter and rails leave a box
# Neighbouring lanes differ clearly; red is kept for cycles.
COLOURS = ["#1f77b4", "#d9820a", "#2ca02c", "#9467bd", "#8c564b", "#c44fa0", "#7f8c1a", "#0a9aa8"]
COLOURS += ["#1b3a73", "#b0915a", "#14532d", "#64748b", "#5b2a86", "#b8860b", "#505050"]
DARK, GREY, RED = "#333333", "#8a8a8a", "#d40000"
LEGEND = """Black arrow: imports from the layer just below. Dot: the room whose grey line reaches it
imports the room that the coloured lane names. Thicker: more pairs of modules."""

Point = tuple[float, float]
Cycle = tuple[str, ...]
Arrows = Counter[tuple[str, str]]


@dataclass(frozen=True)
class House:
    """Modules and lines per room, module pairs per arrow, layers (0 is the ground), cycles."""

    rooms: dict[str, tuple[int, int]]
    arrows: Arrows
    layer: dict[str, int]
    cycles: list[Cycle]

    def __str__(self) -> str:
        counts = len(self.rooms), len(set(self.layer.values())), len(self.arrows), len(self.cycles)
        return "{} rooms, {} layers, {} arrows, {} cycles".format(*counts)

    def far(self) -> list[tuple[str, str]]:
        """The arrows that skip a layer, and so take a lane."""
        return sorted((a, b) for a, b in self.arrows if self.layer[a] - self.layer[b] > 1)


@dataclass(frozen=True)
class Plan:
    """Where things are drawn: boxes by their lower left corner, rails by height, lanes by side."""

    box: dict[str, Point]
    rail_out: dict[str, float]
    rail_in: dict[str, float]
    lane: dict[str, float]
    size: Point


def modules_of(package: Path) -> dict[str, Path]:
    """Every module's dotted name and file."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def at_runtime(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """These nodes and all below, without the bodies of `if TYPE_CHECKING:`."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING":
            yield from at_runtime(node.orelse)
        else:
            yield node
            yield from at_runtime(ast.iter_child_nodes(node))


def imports_of(name: str, modules: dict[str, Path]) -> list[str]:
    """The package's own modules that this one imports at runtime."""
    path, found = modules[name], set[str]()
    within = name.split(".")[: None if path.name == "__init__.py" else -1]
    for node in at_runtime([ast.parse(path.read_bytes())]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = within[: len(within) - node.level + 1] if node.level else []
            source = ".".join([*above, node.module] if node.module else above)
            longer = {f"{source}.{alias.name}" for alias in node.names}
            found |= {full if full in modules else source for full in longer}
    return sorted(found & set(modules))


def layers_of(rooms: Iterable[str], arrows: Arrows) -> tuple[dict[str, int], list[Cycle]]:
    """Each room's layer, by the longest path down, and the groups of rooms that form cycles."""
    below = {room: {b for a, b in arrows if a == room} for room in rooms}
    reach = {room: set(targets) for room, targets in below.items()}
    for middle, further in reach.items():
        for targets in reach.values():
            if middle in targets:
                targets.update(further)
    group = {a: {a} | {b for b in reach[a] if a in reach[b]} for a in reach}

    @cache
    def layer(room: str) -> int:
        targets = {b for member in group[room] for b in below[member]} - group[room]
        return 1 + max((layer(target) for target in targets), default=-1)

    cycles = {tuple(sorted(members)) for members in group.values() if len(members) > 1}
    return {room: layer(room) for room in below}, sorted(cycles)


def survey(package: Path) -> House:
    """Read the package's files and find its rooms, arrows, layers and cycles."""
    modules = modules_of(package)
    room_of = {name: name.split(".")[1] for name in modules if "." in name}
    count, lines, arrows = Counter(room_of.values()), Counter[str](), Arrows()
    for name, room in room_of.items():
        lines[room] += len(modules[name].read_bytes().splitlines())
        targets = [room_of.get(target, room) for target in imports_of(name, modules)]
        arrows.update((room, target) for target in targets if target != room)
    rooms = {room: (count[room], lines[room]) for room in sorted(count)}
    return House(rooms, arrows, *layers_of(rooms, arrows))


def plan(house: House) -> Plan:
    """Place boxes row by row; rails lead from boxes to lanes on the right and from lanes back."""
    levels, step = sorted({*house.layer.values()}, reverse=True), BOX_WIDTH + BOX_GAP
    rows = [[room for room in house.rooms if house.layer[room] == level] for level in levels]
    sources, targets = ({pair[end] for pair in house.far()} for end in (0, 1))
    box: dict[str, Point] = {}
    rail_out: dict[str, float] = {}
    rail_in: dict[str, float] = {}
    right, y = MARGIN + max(map(len, rows)) * step, -HEADER
    for row in rows:
        entering = [room for room in row if room in targets]
        rail_in |= {room: y - i * RAIL_STEP for i, room in enumerate(entering)}
        y -= BOX_HEIGHT + 0.15 + len(entering) * RAIL_STEP
        left = (MARGIN + right - len(row) * step) / 2
        box |= {room: (left + i * step, y) for i, room in enumerate(row)}
        leaving = [room for room in reversed(row) if room in sources]
        rail_out |= {room: y - 0.14 - i * RAIL_STEP for i, room in enumerate(leaving)}
        y -= 0.35 + len(leaving) * RAIL_STEP
    lane = {room: right + LANE_STEP * (i + 0.3) for i, room in enumerate(rail_in)}
    width = max(LEAST_WIDTH, right + LANE_STEP * len(lane) + MARGIN)
    return Plan(box, rail_out, rail_in, lane, (width, -y))


def thickness(pairs: int) -> float:
    """The width of a line in points; it grows with the logarithm of the module pairs."""
    return 0.5 + 0.55 * math.log2(1 + pairs)


def draw_arrow(ax: Axes, ends: tuple[Point, Point], pairs: int, color: str, bend: float) -> None:
    """One arrow, straight or bent."""
    width = thickness(pairs)
    shape = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 0}
    look = {"color": color, "lw": width, "mutation_scale": 6 + 1.5 * width}
    ax.annotate("", ends[1], ends[0], arrowprops=shape | look, zorder=4)


def draw_near(ax: Axes, house: House, at: Plan) -> None:
    """Arrows to the layer just below, and red ones between the rooms of a cycle."""
    for source, target in sorted(set(house.arrows) - set(house.far())):
        (x, y), (to_x, to_y) = at.box[source], at.box[target]
        pairs, lean = house.arrows[source, target], (to_x - x) / 16
        start, end_x = (x + BOX_WIDTH * 0.42 + lean, y), to_x + BOX_WIDTH * 0.42 - lean
        if house.layer[source] == house.layer[target]:
            draw_arrow(ax, (start, (end_x, to_y)), pairs, RED, 0.3 if x < to_x else -0.5)
        else:
            draw_arrow(ax, (start, (end_x, to_y + BOX_HEIGHT)), pairs, DARK, 0)


def draw_lane(ax: Axes, house: House, at: Plan, target: str, color: str) -> None:
    """One lane: grey rails lead into it from the rooms that import its target; it ends there."""
    far = sorted((-at.rail_out[a], a) for a, b in house.far() if b == target)
    heights = [*(-depth for depth, _ in far), at.rail_in[target]]
    x, pairs = at.lane[target], 0
    for (_, room), (y, below) in zip(far, pairwise(heights), strict=True):
        own, (left, bottom) = house.arrows[room, target], at.box[room]
        pairs += own
        ax.plot([left + PORT, left + PORT, x], [bottom, y, y], color=GREY, lw=1, zorder=1)
        ax.plot([x, x], [y, below], color=color, lw=thickness(pairs), zorder=2)
        ax.plot([x], [y], "o", color=color, ms=3 + 1.3 * thickness(own), zorder=5)
    end, left, top = heights[-1], at.box[target][0] + PORT, at.box[target][1] + BOX_HEIGHT
    ax.plot([left, x], [end, end], color=color, lw=thickness(pairs), zorder=2)
    draw_arrow(ax, ((left, end), (left, top)), pairs, color, 0)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for y in sorted({y + BOX_HEIGHT / 2 for _, y in at.box.values()}):
        if end < y < heights[0]:
            name = ax.text(x, y, target, fontsize=9, color=color, bbox=white, zorder=6)
            name.set(rotation=90, ha="center", va="center")


def draw_box(ax: Axes, house: House, at: Plan, room: str, edge: str) -> None:
    """A room with its modules and lines, edged in the colour of its lane."""
    corner, (modules, lines) = at.box[room], house.rooms[room]
    ax.add_patch(Rectangle(corner, BOX_WIDTH, BOX_HEIGHT, fc="#f6f6f2", ec=edge, lw=2, zorder=3))
    x, y = corner[0] + BOX_WIDTH / 2, corner[1] + BOX_HEIGHT / 2
    ax.text(x, y + 0.13, room, fontsize=14, weight="bold", ha="center", va="center")
    text = f"{modules} module{'s' * (modules != 1)}, {lines:,} lines"
    ax.text(x, y - 0.17, text, fontsize=9, color=DARK, ha="center", va="center")


def draw(house: House, title: str, out: Path) -> None:
    """Draw the house; the same house gives the same bytes."""
    mpl.rcdefaults()
    at = plan(house)
    figure = Figure(figsize=at.size, dpi=DPI)
    ax = figure.add_axes((0, 0, 1, 1), xlim=(0, at.size[0]), ylim=(-at.size[1], 0))
    ax.set_axis_off()
    ax.text(MARGIN, -0.35, title, fontsize=18, weight="bold", va="center")
    ax.text(MARGIN, -0.64, str(house), fontsize=12, va="center")
    ax.text(MARGIN, -0.98, LEGEND, fontsize=9, color=DARK, va="center")
    colours = {room: COLOURS[i % len(COLOURS)] for i, room in enumerate(at.lane)}
    for room, colour in colours.items():
        draw_lane(ax, house, at, room, colour)
    draw_near(ax, house, at)
    for room in at.box:
        draw_box(ax, house, at, room, colours.get(room, DARK))
    figure.savefig(out, format="png", metadata={"Software": None})


def main() -> None:
    """Draw one package and say what was found."""
    parser = argparse.ArgumentParser(description="Draw the rooms of a Python package.")
    parser.add_argument("package", type=Path, help="the package's folder")
    parser.add_argument("out", type=Path, help="the picture to write (PNG)")
    parser.add_argument("--title", default="Rooms")
    args = parser.parse_args()
    house = survey(args.package.resolve())
    if not house.rooms:
        parser.error(f"{args.package} holds no rooms")
    draw(house, args.title, args.out)
    sys.stdout.write(f"{house}\n")
    sys.stdout.writelines(f"cycle: {' <-> '.join(cycle)}\n" for cycle in house.cycles)


if __name__ == "__main__":
    main()
