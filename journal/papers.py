"""Papers: A4 documents as PDF/A, written by templates and set here.

What a paper says is a template in plain HTML of few words, so that its language, money
and days are those of the pages: header, h1, h2, p (class lead or note), dl, and table with
colgroup (data-width), thead, tbody and tfoot. In a cell b stands out and small steps
back, each on a line of its own; class num sets figures to the end. Nothing else is known,
and nothing is loaded. The same words of the same day are the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from html.parser import HTMLParser
from pathlib import Path

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import XPos, YPos

# A font for each script that Noto Sans itself lacks, taken where a paper has a letter of
# it. The bold of those without one is their regular.
SCRIPTS = {
    "arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "hebrew": "\u0590-\u05ff\ufb1d-\ufb4f",
    "thai": "\u0e00-\u0e7f",
    "kr": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "sc": "\u2e80-\u312f\u31a0-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00020000-\U0003ffff",
}
INK, MUTED, LINE, ACCENT = (21, 33, 31), (85, 99, 94), (223, 228, 224), (11, 90, 97)
MARGIN = 18
FOOT = 20
PAD = 1.4


# What the file says of itself: PDF/A-2u, and no moment at which it was made.
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<rdf:Description rdf:about="" xmp:CreateDate="{on}T00:00:00+00:00">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


@dataclass
class Block:
    """One part of a paper: a tag with its class, and its text or its rows of cells."""

    tag: str
    look: str = ""
    words: list[tuple[str, str]] = field(default_factory=list)
    head: list[list["Block"]] = field(default_factory=list)
    rows: list[list["Block"]] = field(default_factory=list)
    foot: list[list["Block"]] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(text for _style, text in self.words).split())

    @property
    def paragraphs(self) -> list[tuple[str, str]]:
        """Its pieces, each to stand on a line of its own."""
        tidy = [(style, " ".join(text.split())) for style, text in self.words]
        return [(style, text) for style, text in tidy if text]


def of(template: str, context: dict, *, on: date, fonts: Path) -> bytes:
    """A template set as PDF/A-2u, in the active language, dated a day, in the fonts of a
    folder.
    """
    reader = _Reader()
    reader.feed(render_to_string(template, context))
    reader.close()
    paper = _Paper(reader.blocks, on=on, fonts=fonts)
    return bytes(paper.output())


class _Reader(HTMLParser):
    """Turns the template's HTML into blocks."""

    BLOCKS = {"title", "header", "h1", "h2", "p", "li", "dt", "dd", "footer"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.table: Block | None = None
        self.part: list | None = None
        self.into: Block | None = None
        self.style = ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        look = attrs.get("class") or ""
        if tag in self.BLOCKS:
            self.into = Block(tag, look)
            self.blocks.append(self.into)
        elif tag == "div" and "sum-row" in look:
            self.into = Block("sum", look)
            self.blocks.append(self.into)
        elif tag == "span" and self.into and self.into.tag == "sum":
            pieces = {"money": "b", "arithmetic": "small"}
            names = [pieces[one] for one in look.split() if one in pieces]
            self.style = names[0] if names else ""
        elif tag == "table":
            self.table = Block(tag, look)
            self.blocks.append(self.table)
        elif tag == "col":
            self.table.widths.append(float(attrs["data-width"]))
        elif tag in {"thead", "tbody", "tfoot"}:
            parts = {"thead": "head", "tbody": "rows", "tfoot": "foot"}
            self.part = getattr(self.table, parts[tag])
        elif tag == "tr":
            self.part.append([])
        elif tag in {"td", "th"}:
            self.into = Block(attrs.get("colspan", "1"), look)
            self.part[-1].append(self.into)
        elif tag in {"b", "small"}:
            self.style = tag

    def handle_endtag(self, tag):
        if tag in {"b", "small"}:
            self.style = ""
        elif tag in self.BLOCKS or tag in {"td", "th"}:
            self.into = None
        elif tag == "div" and self.into and self.into.tag == "sum":
            self.into, self.style = None, ""

    def handle_data(self, data):
        if self.into is not None:
            self.into.words.append((self.style, data))


class _Paper(FPDF):
    """Sets blocks one below the other; tables repeat their head on each page."""

    def __init__(self, blocks: list[Block], *, on: date, fonts: Path):
        super().__init__(format="A4", enforce_compliance="PDF/A-2u")
        self.blocks = blocks
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, FOOT)
        self._fonts("".join(_letters(blocks)), fonts)
        self.set_text_shaping(True)
        self.set_lang(translation.get_language() or "en")
        self.set_title(self._first("title"))
        self.set_author(self._first("header"))
        self.set_producer("")
        self.set_creation_date(datetime.combine(on, time(), UTC))
        words = {"title": self.title, "author": self.author, "on": on.isoformat()}
        self.set_xmp_metadata(
            XMP.format(**{name: escape(word) for name, word in words.items()})
        )
        self.add_page()
        for block in self._paired():
            self._set(block)
        self._feet()

    def _face(self, style: str, size: float, color: tuple[int, int, int]) -> None:
        """Write on in this font, and say so on the page before any other text does.

        Else fpdf2 says it within the first line that another script begins, where it
        is forgotten at the line's end.
        """
        self.set_font("sans", style, size)
        self.set_text_color(*color)
        self.current_font_is_set_on_page = False
        self.text(self.get_x(), self.get_y(), "")

    def _first(self, tag: str) -> str:
        return next((one.text for one in self.blocks if one.tag == tag), "")

    def _fonts(self, letters: str, folder: Path) -> None:
        self.add_font("sans", "", folder / "noto-sans.ttf")
        self.add_font("sans", "B", folder / "noto-sans-bold.ttf")
        fallbacks = []
        for script, ranges in SCRIPTS.items():
            if any(_within(letter, ranges) for letter in set(letters)):
                bold = folder / f"noto-sans-{script}-bold.ttf"
                plain = folder / f"noto-sans-{script}.ttf"
                self.add_font(script, "", plain)
                self.add_font(script, "B", bold if bold.exists() else plain)
                fallbacks.append(script)
        self.set_fallback_fonts(fallbacks, exact_match=False)

    def _paired(self) -> Iterator[Block]:
        """The blocks in order; a dt with all dd's that follow as one list of facts."""
        facts: Block | None = None
        for block in self.blocks:
            if block.tag not in {"dt", "dd"}:
                if facts:
                    yield facts
                facts = None
                yield block
            elif block.tag == "dt":
                facts = facts or Block("dl")
                facts.rows.append([block])
            else:
                facts.rows[-1].append(block)
        if facts:
            yield facts

    def _set(self, block: Block) -> None:
        match block.tag:
            case "header":
                self._line(block.text, size=10, bold=True, color=ACCENT)
                self.ln(6)
            case "h1":
                self.start_section(block.text)
                self._line(block.text, size=21, bold=True)
            case "h2":
                self._keep(30)
                self.ln(7)
                self.start_section(block.text, level=1)
                self._line(block.text, size=12, bold=True)
                self.ln(1.5)
            case "p":
                color = INK if block.look == "lead" else MUTED
                size = {"lead": 12, "note": 8.5}.get(block.look, 9.5)
                self._line(block.text, size=size, color=color)
                self.ln(1.5)
            case "li":
                self._line(f"•  {block.text}", size=8.5, color=MUTED)
                self.ln(0.8)
            case "sum":
                *words, (_style, amount) = block.paragraphs
                cells = [Block("1", "", words), Block("1", "num", [("b", amount)])]
                self._row(cells, [self.epw * 0.75, self.epw * 0.25])
            case "dl":
                self._facts(block)
            case "table":
                self._table(block)

    def _line(self, text: str, *, size: float, bold=False, color=INK) -> None:
        self._face("B" if bold else "", size, color)
        self.multi_cell(
            0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def _keep(self, height: float) -> None:
        """Begin a page where less than a height is left on this one."""
        if self.will_page_break(height):
            self.add_page()

    # Facts, two beside each other

    def _facts(self, block: Block) -> None:
        self.ln(4)
        width = (self.epw - 8) / 2
        for left in range(0, len(block.rows), 2):
            cells = [
                Block("1", "", [("label", dt.text), *((d.look, d.text) for d in dds)])
                for dt, *dds in block.rows[left : left + 2]
            ]
            self._row(cells, [width] * len(cells), gap=8, rule=False)
        self.ln(1)

    # Tables

    def _table(self, block: Block) -> None:
        whole = sum(block.widths)
        widths = [self.epw * width / whole for width in block.widths]
        foot = sum(self._height(row, widths) for row in block.foot)
        self._head(block, widths)
        for n, row in enumerate(block.rows):
            height = self._height(row, widths)
            # The last row and the totals stay together.
            last = n == len(block.rows) - 1
            if self.will_page_break(height + (foot if last else 0)):
                self.add_page()
                self._head(block, widths)
            self._row(row, widths, height=height)
        for row in block.foot:
            self._row(row, widths, bold=True)

    def _head(self, block: Block, widths: list[float]) -> None:
        for row in block.head:
            cells = [Block(cell.tag, cell.look, [("label", cell.text)]) for cell in row]
            self._row(cells, widths, strong_rule=True)

    STYLES = {
        "": ("", 8.25, INK),
        "b": ("B", 8.25, INK),
        "small": ("", 7.5, MUTED),
        "label": ("B", 7.5, MUTED),
        "total": ("B", 15, INK),
    }

    def _cells(self, row: list[Block], widths: list[float], gap: float):
        """Each cell with where it begins and how wide it is."""
        x, column = self.l_margin, 0
        for cell in row:
            span = int(cell.tag)
            width = sum(widths[column : column + span]) + gap * (span - 1)
            yield cell, x, width
            x, column = x + width + gap, column + span

    def _paragraphs(self, cell: Block, bold: bool):
        for style, text in cell.paragraphs:
            face, size, color = self.STYLES["b" if bold and not style else style]
            self._face(face, size, color)
            yield text, size * 0.5

    def _height(self, row: list[Block], widths: list[float], gap: float = 0) -> float:
        heights = []
        for cell, _x, width in self._cells(row, widths, gap):
            height = 0.0
            for text, line in self._paragraphs(cell, bold=False):
                inner = width - 2 * PAD
                if self.get_string_width(text) < inner:
                    height += line
                    continue
                lines = self.multi_cell(
                    inner, line, text, align="L", dry_run=True, output="LINES"
                )
                height += line * len(lines)
            heights.append(height)
        return max(heights, default=0) + 2 * PAD

    def _row(
        self, row, widths, *, height=None, gap=0.0, rule=True, bold=False,
        strong_rule=False,
    ) -> None:  # fmt: skip
        height = height or self._height(row, widths, gap)
        self._keep(height)
        top = self.get_y()
        for cell, x, width in self._cells(row, widths, gap):
            y = top + PAD
            align = "R" if "num" in cell.look.split() else "L"
            for text, line in self._paragraphs(cell, bold):
                # Figures end where their column ends; words keep apart from the next.
                inner = width if align == "R" else width - 2 * PAD
                self.set_xy(x, y)
                self.multi_cell(inner, line, text, align=align, padding=0)
                y = self.get_y()
        self.set_xy(self.l_margin, top + height)
        if rule:
            self.set_draw_color(*(INK if strong_rule or bold else LINE))
            self.set_line_width(0.3 if strong_rule or bold else 0.15)
            at = top if bold else top + height
            self.line(self.l_margin, at, self.l_margin + self.epw, at)

    def _feet(self) -> None:
        """What stands below each page, and which of how many it is."""
        self.set_auto_page_break(False)
        note = self._first("footer")
        for number in range(1, self.pages_count + 1):
            self.page = number
            self.set_xy(self.l_margin, -FOOT + 6)
            self._face("", 7.5, MUTED)
            self.cell(self.epw * 0.75, 4, note, align="L")
            words = _("Page %(number)d of %(count)d") % {
                "number": number,
                "count": self.pages_count,
            }
            self.cell(self.epw * 0.25, 4, words, align="R")


def _letters(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        yield block.text
        for rows in (block.head, block.rows, block.foot):
            for row in rows:
                yield from (cell.text for cell in row)


def _within(letter: str, ranges: str) -> bool:
    """Whether a letter is in ranges written as a-bc-d."""
    bounds = zip(ranges[::3], ranges[2::3], strict=True)
    return any(first <= letter <= last for first, last in bounds)
