"""The French translations are whole, and those that are compiled are those that were written."""

from __future__ import annotations

import gettext
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).parents[2]
CATALOGS = [
    ("tws_admin", "django"),
    ("tws_admin", "djangojs"),
    ("tornado_websockets", "django"),
]

STRING = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[\d\])?) ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.M)
PLACE = re.compile(r"%\(\w+\)[sd]|%s|\{\w+\}")


def catalog(package: str, domain: str, folder: Path = ROOT) -> Path:
    return folder / package / f"locale/fr/LC_MESSAGES/{domain}.po"


def entries(path: Path) -> Iterator[dict[str, str]]:
    """Yield what is translated, each entry by its keywords, without the heading."""
    for block in path.read_text().split("\n\n"):
        found = {
            keyword: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
            for keyword, text in STRING.findall(block)
        }
        if found.get("msgid"):
            yield {key: text.replace('\\"', '"') for key, text in found.items()}


@pytest.mark.parametrize(("package", "domain"), CATALOGS)
def test_everything_is_translated(package: str, domain: str) -> None:
    path = catalog(package, domain)
    assert "fuzzy" not in path.read_text()
    assert "#~" not in path.read_text()
    assert list(entries(path))
    for entry in entries(path):
        assert all(entry.values()), entry
        if "msgid_plural" in entry:
            assert {"msgstr[0]", "msgstr[1]"} <= entry.keys()


@pytest.mark.parametrize(("package", "domain"), CATALOGS)
def test_translations_have_the_places_of_their_originals(package: str, domain: str) -> None:
    for entry in entries(catalog(package, domain)):
        places = {key: sorted(PLACE.findall(text)) for key, text in entry.items()}
        assert len({tuple(found) for found in places.values()}) == 1, entry


@pytest.mark.parametrize(("package", "domain"), CATALOGS)
def test_what_is_compiled_is_what_was_written(package: str, domain: str) -> None:
    path = catalog(package, domain)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in entries(path):
        if "msgid_plural" in entry:
            numbers = {1: "msgstr[0]", 2: "msgstr[1]"}
            for number, key in numbers.items():
                found = compiled.ngettext(entry["msgid"], entry["msgid_plural"], number)
                assert found == entry[key]
        else:
            assert compiled.gettext(entry["msgid"]) == entry["msgstr"]


@pytest.mark.parametrize(("package", "domain"), CATALOGS)
def test_no_text_of_the_source_is_forgotten(
    package: str, domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the tools of gettext are; the tests before this one run everywhere."""
    if shutil.which("xgettext") is None:
        return
    # What Python compiles comes and goes while other processes start.
    ignored = shutil.ignore_patterns("*.mo", "__pycache__")
    shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.chdir(tmp_path / package)
    written = {entry["msgid"] for entry in entries(catalog(package, domain))}
    options = {"locale": ["fr"], "domain": domain, "no_obsolete": True, "add_location": "never"}
    call_command("makemessages", verbosity=0, **options)
    found = {entry["msgid"] for entry in entries(catalog(package, domain, tmp_path))}
    assert found == written
