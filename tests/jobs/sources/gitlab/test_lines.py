"""What a recorded line of GitLab becomes."""

from typing import Any

import orjson
import pytest

from jobs.sources.gitlab_lines import parse
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.gitlab.made import T, about, award, event, note, thread

ACCOUNT = Account("ana", T, handle="Ana")


@pytest.mark.parametrize(
    ("line", "records"),
    [
        (event(1, "commented on", **note(70)), (Act("reply", "ana", None, T, "note-70", "7#12"), ACCOUNT)),
        (event(1, "commented on", **note(70, 3, "MergeRequest")), (Act("reply", "ana", None, T, "note-70", "7!3"), ACCOUNT)),
        (event(1, "commented on", **note(70, None, "Commit")) | {"project": "Bo/Tool"},
         (Act("reply", "ana", "bo", T, "note-70"), ACCOUNT)),
        (event(1, "commented on", **note(70, None, "Commit")),
         (Unresolved(NO_TARGET, T), Act("post", "ana", "ana", T, "note-70"), ACCOUNT)),
        (event(1, "commented on", **note(70, system=True)), (Ignored(T),)),
        (event(1, "commented on", **note(70, internal=True)), (Ignored(T),)),
        (event(1, "commented on", **note(70, confidential=True)), (Ignored(T),)),
        (event(1, "approved", target_type="MergeRequest", target_iid=3),
         (Act("reply", "ana", None, T, "event-1", "7!3"), ACCOUNT)),
        (event(1, "pushed to"), (Act("post", "ana", "ana", T, "event-1"), ACCOUNT)),
        (event(1, "opened", target_type="Issue", target_iid=12), (Ignored(T),)),  # the issue itself is the post
        (event(1, "danced"), (Ignored(T, "danced"),)),
        (event(1, "pushed to", by="ghost"), (Unresolved(ACTOR_WITHDRAWN, T),)),
        (event(1, "pushed to", by="project_7_bot_x"),
         (Act("post", "project_7_bot_x", "project_7_bot_x", T, "event-1"),
          Account("project_7_bot_x", T, handle="project_7_bot_x", is_bot=True))),
        ({"thread": thread(12), "about": about()},
         (Act("mention", "cleo", "bo", T, "7#12"), Act("post", "cleo", "cleo", T, "7#12"), Author("7#12", "cleo"),
          Account("cleo", T, handle="Cleo"))),
        ({"thread": thread(3, "!", by="Bo"), "about": about("merge_requests", "3")},
         (Act("post", "bo", "bo", T, "7!3"), Author("7!3", "bo"), Account("bo", T, handle="Bo"))),
        ({"thread": thread(12, confidential=True), "about": about()}, (Ignored(T),)),
        ({"award": award(5), "about": about()},
         (Act("like", "dee", None, T, "award-5", "7#12"), Account("dee", T, handle="Dee"))),
        ({"award": award(5, name="thumbsdown"), "about": about()}, (Ignored(T),)),
    ],
)  # fmt: skip
def test_what_a_line_becomes(line: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(line)) == records


def test_hostile_lines_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    lines = [event(1, "commented on", **note(70)), event(1, "approved", target_type="MergeRequest", target_iid=3)]
    lines += [{"thread": thread(12), "about": about()}, {"award": award(5), "about": about()}]
    survives(parse, [orjson.dumps(line) for line in lines])
