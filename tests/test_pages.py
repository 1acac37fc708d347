"""The list of pages that pictures, access and budgets are checked on misses none."""

import inspect
from urllib.parse import urlsplit

from django.urls import get_resolver, resolve

from screenshots.pages import PAGES, Link
from tests.test_permission_matrix import PLACES

FRAGMENT = "a fragment that htmx fetches into a page that is in the list"
FILE = "a file, not a page"
LEADS_ON = "leads on to another page"
STATE = (
    "needs a state that the demo is not in; its markup is that of a page in the list"
)
EXCUSED = {
    "home": LEADS_ON,
    "accounts:notice": LEADS_ON,
    "myapps:export-apps": FILE,
    "myapps:export-charges": FILE,
    "myapps:export-orders": FILE,
    "myapps:export-renewal-changes": FILE,
    "myapps:order-paper": FILE,
    "myapps:statement-totals": FILE,
    "accounts:job": "tests/browser/test_people_files.py asks axe of it at each step",
    "accounts:job-progress": FRAGMENT,
    "accounts:people-picker": FRAGMENT,
    "accounts:revoke-api-key": STATE,
    "myapps:app-request": STATE,
    "myapps:approval": STATE,
    "myapps:auto-install": STATE,
    "myapps:catalogue-states": FRAGMENT,
    "myapps:install-link": STATE,
    "myapps:overview-figure": FILE,
    "myapps:overview-figures": FRAGMENT,
    "myapps:people-options": FRAGMENT,
    "myapps:portal-add-on": STATE,
    "myapps:portal-add-plan": STATE,
    "myapps:portal-delivery": STATE,
    "myapps:portal-differences": STATE,
    "myapps:portal-edit-listing": STATE,
    "myapps:portal-plan": STATE,
    "myapps:portal-preview": STATE,
    "myapps:request-app": STATE,
    "myapps:seat-waiting": STATE,
    "myapps:spending-file": FILE,
    "myapps:statement-download": FILE,
    "myapps:stop-role": STATE,
    "myapps:try-again": STATE,
    "support:arrange-queue": STATE,
    "support:bulk-job": STATE,
    "support:bulk-progress": FRAGMENT,
    "support:credit": STATE,
    "support:figures-csv": FILE,
    "support:file": FILE,
    "support:line-tickets": FRAGMENT,
    "support:mention-options": FRAGMENT,
    "support:queue-counts": FRAGMENT,
    "support:request-file": FILE,
    "support:saved-queue": LEADS_ON,
    "support:waiting-for-you": FRAGMENT,
}


def test_every_page_is_walked_or_has_an_excuse():
    walked = {_place(path) for pages in PAGES.values() for path in pages.values()}
    shown = {place for place in PLACES if _answers_get(place)}

    assert sorted(shown - walked - set(EXCUSED)) == []


def test_no_page_that_is_walked_is_excused():
    walked = {_place(path) for pages in PAGES.values() for path in pages.values()}

    assert sorted(walked & set(EXCUSED)) == []


def _place(path: str | Link) -> str:
    if isinstance(path, Link):
        return path.place
    return resolve(urlsplit(path).path).view_name


def _answers_get(place: str) -> bool:
    methods = _methods(_view(place))
    return "GET" in methods


def _view(place: str):
    found = {}
    _collect(get_resolver(), "", found)
    return found[place]


def _collect(resolver, prefix, found):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            _collect(pattern, inner, found)
        elif pattern.name:
            found.setdefault(f"{prefix}{pattern.name}", pattern.callback)


def _methods(view) -> set[str]:
    """What require_GET and its kin let through, read from their closures."""
    while view is not None:
        methods = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if methods:
            return set(methods)
        view = getattr(view, "__wrapped__", None)
    return {"GET", "POST"}
