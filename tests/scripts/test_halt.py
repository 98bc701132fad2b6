"""`synod halt`: a node ended from outside."""

from pathlib import Path

from storage.home import Home
from tests.node.processes import new_world, started
from tests.scripts.conftest import Said


def test_a_node_is_halted_and_its_home_is_free_when_the_command_returns(said: Said, tmp_path: Path) -> None:
    home = tmp_path / "home"
    new_world(home).close()
    with started(home) as node:
        node.until_height(2)
        code, stopped = said("halt", "--home", str(home))
        assert code == 0
        Home(home).lock().close()
        assert node.until("stopping")["height"] == stopped["height"]
        assert node.ended() == 0
    assert said("status", "--home", str(home))[1]["app_root"] == stopped["app_root"]
    code, refused = said("halt", "--home", str(home))
    assert (code, refused["error"]["code"]) == (3, "node_not_running")


def test_a_folder_that_is_no_home_is_wrong_usage(said: Said, tmp_path: Path) -> None:
    code, refused = said("halt", "--home", str(tmp_path))
    assert (code, refused["error"]["code"]) == (2, "home_missing")
