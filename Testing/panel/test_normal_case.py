"""What a normal case costs the reader, from loaded to signed, in a real window on a small screen."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers_display import display, run_there
from places import HELPERS, MODULE, ROOT

MOST_CLICKS, MOST_KEYS = 6, 10
PATHS = (ROOT / "Standin", Path(__file__).parent, HELPERS, MODULE, ROOT / "Lab")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["mouse", "keys"])
def test_a_normal_case_is_signed_within_six_clicks_or_ten_keys(way: str, tmp_path: Path) -> None:
    with display(1366, 768) as name:
        printed = run_there(
            [str(PATHS[1] / "normal_case.py"), way, str(tmp_path)], name, tmp_path, *PATHS, timeout_s=600
        )
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert told["reader"] == "Dr. Reader", told["message"]
    assert sorted(told["seen"]) == ["L1", "L2", "T12"]
    assert told["clicks"] <= MOST_CLICKS
    assert told["keys"] <= MOST_KEYS
    assert bool(told["clicks"]) is (way == "mouse")
    assert bool(told["keys"]) is (way == "keys")
