"""Each number of the feed has a name, a unit and a sentence."""

from __future__ import annotations

import pytest

from tornado_websockets.stats import PathStats
from tws_admin.page.definitions import DEFINITIONS


@pytest.mark.parametrize("key", DEFINITIONS)
def test_a_definition_is_a_sentence_with_a_unit(key: str) -> None:
    known = DEFINITIONS[key]
    assert str(known.text).endswith(".")
    assert str(known.text)[0].isupper() or str(known.text)[0].isdigit()
    assert str(known.name)
    assert str(known.unit)
    assert not str(known.unit).endswith(".")


def test_every_counter_of_a_path_is_defined() -> None:
    assert PathStats().counters().keys() <= DEFINITIONS.keys()
