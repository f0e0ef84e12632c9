"""People who left are recognized by hashes that name nobody."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from jobs.errors import UsageError
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from schemas.suppressed import SUPPRESSED

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
OLD, NEW = "0" * 64, "1" * 64


@pytest.fixture
def leave(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`leave("x:ana", keys=...)`: records that she left."""

    def record(*people: str, keys: str = OLD) -> int:
        monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", keys)
        return suppression.record(warehouse, people, at=NOON, run_id="r")

    return record


def test_who_left_is_recognized_and_not_named(warehouse: Warehouse, leave: Callable[..., int]) -> None:
    assert not suppression.current(warehouse)
    assert leave("x:ana", "x:bo") == 2
    left = suppression.current(warehouse)
    assert ["x:ana" in left, "x:cy" in left, "y:ana" in left] == [True, False, False]
    assert left.among("x", pa.array(["ana", None, "cy", "ana"])).to_pylist() == [True, None, False, True]
    assert "ana" not in str(warehouse.read(SUPPRESSED).to_pylist())
    assert leave("x:ana") == 0  # already


def test_after_a_rotation_old_hashes_need_the_old_key_and_new_ones_do_not(
    warehouse: Warehouse, leave: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave("x:ana")
    leave("x:bo", keys=f"{NEW},{OLD}")
    left = suppression.current(warehouse)
    assert all(who in left for who in ("x:ana", "x:bo"))
    assert len(set(warehouse.read(SUPPRESSED)["key_id"].to_pylist())) == 2
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", NEW)
    with pytest.raises(UsageError, match=r"lacks the keys [0-9a-f]{8} that recognize them"):
        suppression.current(warehouse)


def test_without_a_key_nobody_can_leave_and_nobody_who_left_comes_back(
    warehouse: Warehouse, leave: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="set CLOUT_SUPPRESSION_KEYS to a secret key first"):
        leave("x:ana", keys="")
    leave("x:ana")
    monkeypatch.delenv("CLOUT_SUPPRESSION_KEYS")
    with pytest.raises(UsageError, match="people left this warehouse"):
        suppression.current(warehouse)
    with pytest.raises(UsageError, match="must have 64 hexadecimal digits"):
        leave("x:bo", keys="secret")


@pytest.mark.parametrize(
    "text",
    ['{"actor": "anastasia", "n": 1}', "https://x.example/users/anastasia?page=2", "anastasia@x.example", "@anastasia hello",
     "by anastasia.", '["anastasia"]', "https%3A%2F%2Fx.example%2Fanastasia"],
)  # fmt: skip
def test_a_line_that_names_who_left_is_recognized(warehouse: Warehouse, leave: Callable[..., int], text: str) -> None:
    leave("x:anastasia")
    left = suppression.current(warehouse)
    assert left.is_named("x", text)
    assert not left.is_named("y", text)
    assert not left.is_named("x", text.replace("anastasia", "banastasia"))


@pytest.mark.parametrize("text", ['{"user_id":123456}', '{"id": 123456, "a": 1}', "[123456]"])
def test_a_number_of_an_account_is_recognized(leave: Callable[..., int], warehouse: Warehouse, text: str) -> None:
    leave("x:123456")
    assert suppression.current(warehouse).is_named("x", text)


@pytest.mark.parametrize("value", ["Jane Doe", "User talk:Jane Doe", "User talk:Jane Doe/Archive 1"])
def test_a_name_with_spaces_is_recognized(leave: Callable[..., int], warehouse: Warehouse, value: str) -> None:
    leave("x:Jane Doe")
    assert suppression.current(warehouse).is_named("x", json.dumps({"title": value, "n": 1}))


def test_case_hides_nobody(leave: Callable[..., int], warehouse: Warehouse) -> None:
    """GitHub's account is `anastasia`, whatever case its events have."""
    leave("x:anastasia")
    assert suppression.current(warehouse).is_named("x", '{"login":"Anastasia"}')


@pytest.mark.parametrize("name", ["anastasia", "https://x.example/users/anastasia"])
def test_a_link_to_who_left_is_recognized_after_links_that_begin_alike(
    leave: Callable[..., int], warehouse: Warehouse, name: str
) -> None:
    leave(f"x:{name}")
    left = suppression.current(warehouse)
    links = ["https://x.example/users/bo", "https://x.example/users/anastasia", "https://x.example/users/anastasia/9"]
    assert [left.is_named("x", json.dumps({"note": link})) for link in links] == [False, True, True]


def test_who_is_called_like_a_key_of_json_takes_nobody_along(leave: Callable[..., int], warehouse: Warehouse) -> None:
    leave("x:created_at")
    left = suppression.current(warehouse)
    assert not left.is_named("x", '{"created_at": "2026-11-03T09:00:00Z", "actor":"bo"}')
    assert left.is_named("x", '{"created_at": "2026-11-03T09:00:00Z", "actor":"created_at"}')


def test_a_short_id_is_compared_with_columns_only(warehouse: Warehouse, leave: Callable[..., int]) -> None:
    """Else everything of a kind would go when somebody called `like` leaves."""
    leave("x:like")
    left = suppression.current(warehouse)
    assert not left.is_named("x", '{"type": "like"}')
    assert left.among("x", pa.array(["like"])).to_pylist() == [True]
