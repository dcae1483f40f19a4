"""The path of a WebSocket, and that of its URL."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_websockets.exceptions import InvalidInstanceError, InvalidPathError
from tornado_websockets.paths import normalise, url

PATHS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("chat", "/chat"),
        ("/chat", "/chat"),
        (" //chat\n", "/chat"),
        ("/a/b/", "/a/b/"),
        ("/a b", "/a b"),
        ("chat//x", "/chat//x"),
    ],
)
def test_a_path_has_one_leading_slash_and_no_blanks_around_it(path: str, expected: str) -> None:
    assert normalise(path) == expected


@pytest.mark.parametrize("path", ["", " ", "/", "///", " / ", "/ /", "\t/\n"])
def test_a_path_without_a_name_is_refused(path: str) -> None:
    with pytest.raises(InvalidPathError, match="needs a name, like '/chat'"):
        normalise(path)


@pytest.mark.parametrize("path", [None, 7, b"/chat", ["/chat"]])
def test_a_path_that_is_no_string_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInstanceError, match="expected a path, like '/chat', got"):
        normalise(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/chat", "/ws/chat"),
        ("/a/b", "/ws/a/b"),
        ("/été", "/ws/%C3%A9t%C3%A9"),
        ("/a b?c#d", "/ws/a%20b%3Fc%23d"),
        ("/100%", "/ws/100%25"),
        ("/a:@!$&'()*+,;=~-._", "/ws/a:@!$&'()*+,;=~-._"),
    ],
)
def test_a_url_is_percent_encoded_as_browsers_do(path: str, expected: str) -> None:
    assert url(path) == expected


@given(PATHS)
def test_what_is_normal_stays_and_comes_back_from_its_url(text: str) -> None:
    try:
        path = normalise(text)
    except InvalidPathError:
        assert not text.replace("/", " ").strip()
        return
    assert path == normalise(path)
    assert unquote(url(path)) == f"/ws{path}"
    assert re.fullmatch(r"[!-~]+", url(path))
