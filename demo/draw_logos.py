"""Draw a mark for each app of the demo's catalogue: `python demo/draw_logos.py`.

The marks are ours: abstract figures, the same at every run, unlike any company's
trademark. The output is committed in static/logos, with one plain mark for apps that
have none.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGOS = ROOT / "static/logos"

# Ground, figure, accent: deep enough for a white page, light enough for a dark one.
PALETTES = [
    ("#0f6b70", "#d7f2ec", "#f5b84c"),
    ("#24508f", "#dce9fb", "#7fd1c7"),
    ("#8a3b5c", "#fbe1ea", "#f2b36b"),
    ("#4b4a9c", "#e4e3fb", "#8fd3f4"),
    ("#2d7048", "#dcf3e2", "#f0d56a"),
    ("#9a4a22", "#fde8da", "#f7c873"),
    ("#31556b", "#dbeaf2", "#f28f7c"),
    ("#6d3f88", "#f0e2f8", "#f4b9d2"),
    ("#566423", "#eef3d4", "#f2a65a"),
    ("#a13a3a", "#fde3df", "#f6cf8a"),
    ("#1f5d8c", "#d8ecfa", "#b6e388"),
    ("#705119", "#f8ecd0", "#8fcfc4"),
]


def circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}"{more}/>'


def box(x: float, y: float, w: float, h: float, fill: str, r: float = 0) -> str:
    round_ = f' rx="{r:g}"' if r else ""
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"{round_} fill="{fill}"/>'


def path(d: str, fill: str) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def stroke(d: str, colour: str, width: float) -> str:
    return (
        f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def turned(angle: float, drawing: str) -> str:
    return f'<g transform="rotate({angle:g} 20 20)">{drawing}</g>'


def quarters(a: str, b: str) -> str:
    return (
        path("M9 19V9h10a10 10 0 0 1-10 10z", a)
        + path("M21 9h10v10a10 10 0 0 1-10-10z", b)
        + path("M31 21v10H21a10 10 0 0 1 10-10z", a)
        + path("M19 31H9V21a10 10 0 0 1 10 10z", a)
    )


def steps(a: str, b: str) -> str:
    return (
        box(9, 23, 6, 8, a, 1.5)
        + box(17, 16, 6, 15, a, 1.5)
        + box(25, 9, 6, 22, b, 1.5)
    )


def orbit(a: str, b: str) -> str:
    ring = (
        f'<circle cx="20" cy="20" r="10" fill="none" stroke="{a}" stroke-width="3.5"/>'
    )
    return ring + circle(27.1, 12.9, 4, b)


def petals(a: str, b: str) -> str:
    petal = path("M20 20c-5-3-5-9 0-12 5 3 5 9 0 12z", a)
    return "".join(turned(60 * n, petal) for n in range(6)) + circle(20, 20, 2.5, b)


def layers(a: str, b: str) -> str:
    return (
        path("M20 20l12 6-12 6-12-6z", b)
        + path("M20 14l12 6-12 6-12-6z", a + '" fill-opacity=".65')
        + path("M20 8l12 6-12 6-12-6z", a)
    )


def arcs(a: str, b: str) -> str:
    return (
        stroke("M10 29a19 19 0 0 1 19-19", a, 3.5)
        + stroke("M17 29a12 12 0 0 1 12-12", a, 3.5)
        + circle(27, 27, 3.5, b)
    )


def hexagon(a: str, b: str) -> str:
    corners = [
        (20 + 12 * math.sin(k * math.pi / 3), 20 - 12 * math.cos(k * math.pi / 3))
        for k in range(6)
    ]
    outline = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "z"
    return path(outline, a) + path("M20 20V8L9.6 14v12z", b)


def overlap(a: str, b: str) -> str:
    return circle(15.5, 20, 8, a) + circle(24.5, 20, 8, b, ' fill-opacity=".85"')


def dots(a: str, b: str) -> str:
    places = [(x, y) for y in (11, 20, 29) for x in (11, 20, 29)]
    return "".join(
        circle(x, y, 3.4 if x + y != 40 else 4.4, b if x + y == 40 else a)
        for x, y in places
    )


def prism(a: str, b: str) -> str:
    return path("M20 8l12 22H20z", b) + path("M20 8L8 30h12z", a)


def wave(a: str, b: str) -> str:
    return stroke("M8 16c4-5 8-5 12 0s8 5 12 0", a, 3.5) + stroke(
        "M8 25c4-5 8-5 12 0s8 5 12 0", b, 3.5
    )


def links(a: str, b: str) -> str:
    return (
        stroke("M12 28L20 12l8 16z", a, 3)
        + circle(20, 12, 4, b) + circle(12, 28, 4, a) + circle(28, 28, 4, a)
    )  # fmt: skip


def window(a: str, b: str) -> str:
    return box(9, 9, 13, 22, a, 3) + box(24, 9, 7, 9, b, 3) + box(24, 20, 7, 11, a, 3)


def leaf(a: str, b: str) -> str:
    return path("M9 31V20A11 11 0 0 1 20 9h11v11a11 11 0 0 1-11 11z", a) + stroke(
        "M14 26l9-9", b, 3
    )


def bars(a: str, b: str) -> str:
    return "".join(
        box(x, 20 - height / 2, 4, height, b if n == 2 else a, 2)
        for n, (x, height) in enumerate([(8, 8), (14, 16), (20, 24), (26, 14), (32, 6)])
    ).replace('x="32"', 'x="31"')


def star(a: str, b: str) -> str:
    ray = path("M20 7l3 10h-6z", a)
    return "".join(turned(45 * n, ray) for n in range(8)) + circle(20, 20, 5, b)


def pages(a: str, b: str) -> str:
    return (
        box(9, 13, 15, 18, b, 3)
        + path("M16 12a3 3 0 0 1 3-3h7l5 5v10a3 3 0 0 1-3 3h-9a3 3 0 0 1-3-3z", a)
    )  # fmt: skip


def half(a: str, b: str) -> str:
    return path("M20 8a12 12 0 0 1 0 24z", b) + path("M18 8a12 12 0 0 0 0 24z", a)


def cross(a: str, b: str) -> str:
    return turned(45, box(17, 7, 6, 26, a, 3) + box(7, 17, 26, 6, a, 3)) + circle(
        20, 20, 3.5, b
    )


FIGURES: list[Callable[[str, str], str]] = [
    quarters, steps, orbit, petals, layers, arcs, hexagon, overlap, dots, prism,
    wave, links, window, leaf, bars, star, pages, half, cross,
]  # fmt: skip


def mark(number: int) -> str:
    """The mark of the n-th app: no two have figure, colours and angle in common."""
    ground, figure, accent = PALETTES[number * 5 % len(PALETTES)]
    draw = FIGURES[(number * 7 + 4) % len(FIGURES)]
    drawing = draw(figure, accent)
    if number >= len(FIGURES):
        drawing = turned(90, drawing)
    return svg(box(0, 0, 40, 40, ground) + drawing)


def svg(drawing: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" '
        f'viewBox="0 0 40 40">{drawing}</svg>\n'
    )


def main() -> None:
    LOGOS.mkdir(parents=True, exist_ok=True)
    apps = json.loads((ROOT / "demo/catalogue.json").read_text("utf-8"))["apps"]
    for number, app in enumerate(sorted(apps, key=lambda app: app["slug"])):
        (LOGOS / f"{app['slug']}.svg").write_text(mark(number))
    plain = box(0, 0, 40, 40, "#5c6b66") + window("#e9efec", "#c4d0cb")
    (LOGOS / "_app.svg").write_text(svg(plain))


if __name__ == "__main__":
    main()
