"""Stories for tests of whole chains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runtime.story_chain import Story


@pytest.fixture
def make_story(tmp_path: Path) -> Iterator[Callable[..., Story]]:
    """Makes stories in folders of their own and closes their states at the end."""
    made: list[Story] = []

    def make(*args: object, **parameters: int) -> Story:
        story = Story(tmp_path / f"story-{len(made)}", *args, **parameters)  # type: ignore[arg-type]
        made.append(story)
        return story

    yield make
    for story in made:
        story.state.close()


@pytest.fixture
def story(make_story: Callable[..., Story]) -> Story:
    """One story under the first runtime."""
    return make_story()
