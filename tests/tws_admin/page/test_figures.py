"""Numbers as the page writes them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone, translation
from django.utils.translation import gettext

from tws_admin.page.definitions import DEFINITIONS
from tws_admin.page.figures import NONE, STYLES, write

FORMAT = Path(__file__).parents[3] / "tws_admin/static/tws_admin/format.js"
UNITS = [f"%(amount)s{unit}" for unit in ("/s", " byte", " kB", " MB", " GB", " TB")]
UNITS += [f"%(amount)s{unit}" for unit in (" d", " h", " min", " s", " ms")]


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("number", 0, "0"),
        ("number", 12345, "12,345"),
        ("number", 0.123, "0.12"),
        ("number", 12.34, "12.3"),
        ("number", 99.96, "100"),
        ("number", 1234.5, "1,234"),
        ("number", 2.0, "2"),
        ("rate", 0, "0/s"),
        ("rate", 97.5, "97.5/s"),
        ("rate", 12345.6, "12,346/s"),
        ("bytes", 0, "0 byte"),
        ("bytes", 999, "999 byte"),
        ("bytes", 1500, "1.5 kB"),
        ("bytes", 999_500, "1 MB"),
        ("bytes", 83_400_000, "83.4 MB"),
        ("bytes", 2.5e15, "2,500 TB"),
        ("byte_rate", 1_250_000, "1.25 MB/s"),
        ("ms", 0.4249, "0.42 ms"),
        ("ms", 312.4, "312 ms"),
        ("ms", 1500, "1.5 s"),
        ("duration", 0, "0 s"),
        ("duration", 59.9, "59 s"),
        ("duration", 60, "1 min"),
        ("duration", 3723, "1 h 2 min"),
        ("duration", 3602, "1 h"),
        ("duration", 93_600, "1 d 2 h"),
        ("duration", -3, "0 s"),
    ],
)
def test_numbers_have_three_digits_that_count_and_their_unit(
    style: str, value: float, text: str
) -> None:
    assert write(value, style) == text


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_no_number_is_a_dash(style: str, value: float | None) -> None:
    assert write(value, style) == NONE


def test_times_are_those_of_the_project_s_clock() -> None:
    assert write(0, "clock") == "00:00:00"
    with timezone.override("Asia/Tokyo"):
        assert write(0, "clock") == "09:00:00"


def test_numbers_speak_the_language_of_the_page() -> None:
    with translation.override("fr"):
        assert write(12345, "number") == "12\N{NO-BREAK SPACE}345"
        assert write(1_250_000, "byte_rate") == "1,25 Mo/s"
        assert write(93_600, "duration") == "1 j 2 h"


def test_every_definition_has_a_style_that_there_is() -> None:
    assert {known.style for known in DEFINITIONS.values()} <= STYLES.keys()


SCRIPT = """
import { readFileSync } from "node:fs";
const { Format } = await import(process.argv[1]);
const { language, texts, values } = JSON.parse(readFileSync(0, "utf8"));
globalThis.gettext = (text) => texts[text] ?? text;
const format = new Format(language);
const found = values.map(([style, value]) => format[style](value).replace(/\\s/g, " "));
console.log(JSON.stringify(found));
"""

VALUES = [0, 0.004, 0.05, 0.1239, 1, 1.5, 9.994, 10, 12.34, 99.94, 99.96, 100, 999, 1000, 1234.4]
VALUES += [59, 60, 61, 3599, 3600, 3661, 86399, 86400, 90061, 999499, 999500, 12_345_678, 2.5e15]


@pytest.mark.parametrize("language", ["en", "fr", "de"])
def test_the_scripts_write_every_number_in_the_same_way(language: str) -> None:
    """So nothing jumps when they take over; where Node.js is, which runs their own tests too."""
    node = shutil.which("node")
    if node is None:
        return
    styles = [style for style in STYLES if style != "clock"]  # that is the reader's own
    values = [(style, value) for style in styles for value in VALUES]
    with translation.override(language):
        texts = {text: gettext(text) for text in UNITS}
        mine = [" ".join(write(value, style).split()) for style, value in values]
    asked = {"language": language, "texts": texts, "values": values}
    done = subprocess.run(
        [node, "--input-type=module", "-e", SCRIPT, FORMAT.as_uri()],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    theirs = json.loads(done.stdout)
    different = [
        (*value, my, their)
        for value, my, their in zip(values, mine, theirs, strict=True)
        if my != their
    ]
    assert different == []
