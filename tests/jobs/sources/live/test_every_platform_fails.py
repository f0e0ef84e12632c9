"""What every live platform does with odd answers, through its real client. Each platform's own tests go further."""

from collections.abc import Callable

import pytest

from tests.jobs.sources.live.worlds import WORLDS, Live
from tests.jobs.sources.platform_server import Reply

LOGIN = b"<html>log in"
MOST_REQUESTS = 200


@pytest.mark.parametrize(
    "reply",
    [Reply(LOGIN), Reply(b'{"items": [{"id"'), Reply(LOGIN, 502)],
    ids=["HTML", "truncated", "502"],
)
def test_odd_answers_leave_a_day_without_data_and_are_quoted_nowhere(
    live: Live, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    whole = live.platform.answer
    live.answers(lambda _: reply)
    found = live.pulled()
    assert found.acts == found.faults == []
    assert any(note.partial or note.absent for note in found.notes)
    assert "log in" not in f"{found.notes}{caplog.text}"
    live.platform.answer = whole
    assert live.pulled().acts


def always(reply: Reply) -> Callable[[str], Reply]:
    return lambda _: reply


def test_a_limit_is_waited_for(live: Live) -> None:
    whole = live.platform.answer
    expected = live.pulled("whole")
    limited = [Reply(LOGIN, 429, {"Retry-After": "7"})]
    live.answers(lambda path: limited.pop() if limited else whole(path))
    found = live.pulled()
    assert live.clock.waits == [8]
    assert found == expected


@pytest.mark.parametrize(
    "live", [world for world in WORLDS if world.type != "hackernews"], ids=lambda world: world.type, indirect=True
)
def test_a_page_that_comes_for_ever_is_noticed(live: Live) -> None:
    """Hacker News has no pages: the ids of a day are known."""
    replies: list[Reply] = []
    whole = live.platform.answer

    def remembered(path: str) -> Reply:
        replies.append(whole(path))
        return replies[-1]

    live.answers(remembered)
    live.pulled("whole")
    for number in range(min(len(replies), 3)):
        live.platform.asked.clear()
        live.answers(always(replies[number]))
        live.pulled(f"{number}")
        assert len(live.platform.asked) < MOST_REQUESTS
