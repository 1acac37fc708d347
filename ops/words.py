"""The words of the product, for translators: from the code into locale/, and back.

`python -m ops.words` collects every text that goes through gettext into the .po file of
each language (or of those named: `de es`): new ones empty, those no longer said dropped. `compile` writes the .mo
files that Django reads; nothing but Babel is needed for both.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from ops.environment import ROOT

LANGUAGES = ["pt", "es", "de"]
ROOMS = ["journal", "accounts", "marketplace", "billing", "myapps", "support", "config"]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "translated": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
WRAPPED_AT = 100


def said() -> Catalog:
    """Every text of the code and the templates, with where it stands."""
    catalog = Catalog(charset="utf-8")
    for path, source in _sources():
        place = str(path.relative_to(ROOT))
        for _line, message, _comments, context in extract(
            "python", BytesIO(source.encode()), KEYWORDS, options={"encoding": "utf-8"}
        ):
            first = message[0] if isinstance(message, tuple) else message
            if first:
                catalog.add(message, locations=[(place, 0)], context=context)
    return catalog


def _sources() -> Iterator[tuple[Path, str]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, path.read_text("utf-8")
    for kind in ("html", "txt"):
        for path in sorted((ROOT / "templates").rglob(f"*.{kind}")):
            yield path, _as_code(path.read_text("utf-8"))


def _as_code(template: str) -> str:
    """A template as gettext calls, one a line: Babel's reader of Python takes those."""
    lines = templatize(template).splitlines()
    return "\n".join(line.strip() for line in lines)


def place_of(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def written(language: str) -> Catalog:
    """What translators wrote for a language."""
    path = place_of(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def update(languages: list[str]) -> None:
    """Bring languages' files up to what the product says now."""
    now = said()
    for language in languages:
        catalog = written(language)
        catalog.update(now, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.fuzzy = False
        path = place_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(
                file, catalog, width=WRAPPED_AT, sort_output=True, omit_header=False
            )
        missing = sum(1 for message in catalog if message.id and not has(message))
        print(f"{language}: {len(catalog)} texts, {missing} to translate")


def has(message) -> bool:
    """Whether a text is translated, in the singular and the plural."""
    words = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(words)


def compile_all() -> None:
    """Write what Django reads, beside each language's file."""
    for language in LANGUAGES:
        with place_of(language).with_suffix(".mo").open("wb") as file:
            write_mo(file, written(language))


if __name__ == "__main__":
    if "compile" in sys.argv:
        compile_all()
    else:
        update(sys.argv[1:] or LANGUAGES)
