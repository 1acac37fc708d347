"""Build static/vendor from node_modules: the look without a bundler.

Run `npm ci` first, then `python ops/static.py`. Four things are made:

- `tabler.css`: Tabler's stylesheet less the families of `UNUSED` below, which need
  its JavaScript or show what no page of ours shows.
- `icons.svg`: one sprite of the icons that templates name, plus those of
  `ops/icons.txt` (names that a template computes).
- `geist-*.woff2`: the typeface, Latin and extended Latin.
- `chart.js`: Chart.js as its package has it, for the page that draws.

And `fonts/`, which no browser loads: what papers are set in (`journal/papers.py`).

htmx is not here: django-htmx ships it as a static file of its own.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static/vendor"

# Families of Tabler's classes that no page uses. Everything else is kept, so that a
# page may take any class from Tabler's documentation without building again.
UNUSED = re.compile(
    r"\.(?:accordion|apexcharts|bg-gradient|bg-pattern|calendar|card-gradient|carousel"
    r"|chat|collapse|collapsing|dimmer|dropdown|dropend|dropleft|dropstart|dropup"
    r"|dropzone|form-colorinput|form-floating|form-imagecheck|fslightbox|gradient|hljs"
    r"|io|jvm|legend|litepicker|markdown|mention|modal|nav-segmented|navbar|noUi"
    r"|offcanvas|otp|plyr|popover|prose|ribbon|settings|signal|signature|sortable"
    r"|sparkline|star|step|steps|strength|switch-icon|table-mobile|toast|tom|tooltip"
    r"|tox|tracking|ts|typed|vc)(?![a-z])"
    r"|\.[\w-]+-(?:bitbucket|dribbble|facebook|flickr|github|google|instagram|linkedin"
    r"|pinterest|rss|tabler|twitter|vimeo|vk|youtube)(?:-[a-z]+)?(?![\w-])"
    r"|\.page>\.navbar|\[data-bs-navbar-theme|\[data-vc"
)
FONT = "@fontsource-variable/geist/files/geist-{}-wght-normal.woff2"
FONTS = ROOT / "fonts"
PAPER_FONTS = {
    "": ["400Regular", "700Bold"],
    "arabic": ["400Regular", "700Bold"],
    "hebrew": ["400Regular", "700Bold"],
    "thai": ["400Regular", "700Bold"],
    "kr": ["400Regular"],
    "sc": ["400Regular"],
}
CHART = "chart.js/dist/chart.umd.min.js"
ICON_IN_TEMPLATE = re.compile(r"""(?:<c-icon\s+name|\bicon)="([a-z0-9-]+)\"""")
ICON_IN_CODE = re.compile(r"""\bicon["']?\s*[:=]\s*["']([a-z0-9-]+)["']""")


def blocks(css: str) -> Iterator[tuple[str, str | None]]:
    """Split a style sheet into (prelude, body) pairs; a statement has no body."""
    start = position = 0
    while position < len(css):
        position = _next(css, position, "{;")
        if position == len(css):
            break
        prelude = css[start:position].strip()
        if css[position] == ";":
            yield prelude, None
        else:
            end = _closing(css, position)
            yield prelude, css[position + 1 : end]
            position = end
        position += 1
        start = position


def _next(css: str, position: int, wanted: str) -> int:
    """Where one of the wanted characters stands next, outside strings and brackets."""
    depth, quote = 0, ""
    while position < len(css):
        character = css[position]
        if character == "\\":
            position += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif depth == 0 and character in wanted:
            return position
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        position += 1
    return len(css)


def _closing(css: str, opening: int) -> int:
    """The brace that closes the one at `opening`."""
    depth, position = 1, opening + 1
    while depth:
        position = _next(css, position, "{}")
        depth += 1 if css[position] == "{" else -1
        position += 1
    return position - 1


def selectors(prelude: str) -> list[str]:
    """The selectors of a rule, split at the commas between them."""
    found, start = [], 0
    while start <= len(prelude):
        end = _next(prelude, start, ",")
        found.append(prelude[start:end].strip())
        start = end + 1
    return found


def without_unused(css: str) -> str:
    """The style sheet without the selectors of UNUSED and the rules left empty."""
    kept = []
    for prelude, body in blocks(css):
        if body is None:
            kept.append(f"{prelude};")
        elif prelude.startswith(("@media", "@supports", "@container", "@layer")):
            if inner := without_unused(body):
                kept.append(f"{prelude}{{{inner}}}")
        elif prelude.startswith("@"):
            kept.append(f"{prelude}{{{body}}}")
        else:
            used = [one for one in selectors(prelude) if not UNUSED.search(one)]
            if used:
                kept.append(f"{','.join(used)}{{{body}}}")
    return "".join(kept)


def tabler() -> str:
    """Tabler's style sheet, slimmed; its licence stays at the head."""
    css = (MODULES / "@tabler/core/dist/css/tabler.min.css").read_text("utf-8")
    css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", css)
    licence = re.search(r"/\*!.*?\*/", css, re.S)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    return f'@charset "UTF-8";{licence[0]}\n' + without_unused(
        css.removeprefix('@charset "UTF-8";')
    )


def icon_names() -> set[str]:
    """Names written in templates and Python, and the listed ones."""
    names = set((ROOT / "ops/icons.txt").read_text().split())
    for template in (ROOT / "templates").rglob("*.html"):
        names.update(ICON_IN_TEMPLATE.findall(template.read_text("utf-8")))
    for code in (ROOT / "config").glob("*.py"):
        names.update(ICON_IN_CODE.findall(code.read_text("utf-8")))
    return names


def sprite(names: set[str]) -> str:
    """One SVG whose symbols are the icons, by name. Refuses a name Tabler lacks."""
    symbols, missing = [], []
    for name in sorted(names):
        path = MODULES / f"@tabler/icons/icons/outline/{name}.svg"
        if not path.is_file():
            missing.append(name)
            continue
        drawing = re.search(r"<svg.*?>(.*)</svg>", path.read_text(), re.S)[1]
        drawing = re.sub(r'<path stroke="none"[^>]*/>', "", drawing)
        drawing = re.sub(r"\s*\n\s*", "", drawing)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{drawing}</symbol>')
    if missing:
        sys.exit(f"Tabler has no icon named {', '.join(missing)} (see ops/icons.txt).")
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def paper_fonts() -> None:
    """Noto Sans for each script, with its licence: the regular, and the bold if small."""
    FONTS.mkdir(exist_ok=True)
    for script, weights in PAPER_FONTS.items():
        name = f"noto-sans-{script}".rstrip("-")
        package = MODULES / "@expo-google-fonts" / name
        for weight in weights:
            (font,) = (package / weight).glob("*.ttf")
            bold = "-bold" if weight == "700Bold" else ""
            (FONTS / f"{name}{bold}.ttf").write_bytes(font.read_bytes())
    licence = MODULES / "@expo-google-fonts/noto-sans/LICENSE_FONT"
    (FONTS / "LICENSE").write_bytes(licence.read_bytes())


def main() -> None:
    if not (MODULES / "@tabler/core").is_dir():
        sys.exit("node_modules is not there: run `npm ci` first.")
    VENDOR.mkdir(parents=True, exist_ok=True)
    (VENDOR / "tabler.css").write_text(tabler(), "utf-8")
    (VENDOR / "icons.svg").write_text(sprite(icon_names()), "utf-8")
    for subset in ("latin", "latin-ext"):
        font = MODULES / FONT.format(subset)
        (VENDOR / f"geist-{subset}.woff2").write_bytes(font.read_bytes())
    (VENDOR / "chart.js").write_bytes((MODULES / CHART).read_bytes())
    paper_fonts()


if __name__ == "__main__":
    main()
