"""Reading runs: what is found, what is made of damaged files, and that nothing gets in the way."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cts.results import FILE_NAME
from reports.runs import Problem, Run, RunError, find, peek, read, read_all

from .hostile_files import damaged, text, unreadable
from .written import case, document, driver, lines, run


def problem(path: Path) -> str:
    """What is said of a path, of which nothing can be read."""
    (found,) = read_all([path])
    assert isinstance(found, Problem)
    assert str(found.path) not in found.why
    return found.why


def test_runs_are_found_at_any_depth_and_once(tmp_path: Path) -> None:
    first = document(tmp_path / "a/b/c", run("1"))
    lines(tmp_path / "a", run("2"))
    second = document(tmp_path / "a", run("2"))
    third = lines(tmp_path / "z", run("3"))
    assert list(find([tmp_path, third, tmp_path / "a"])) == [second, first, third]


def test_a_folder_of_folders_that_is_very_deep_is_searched(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):  # deeper than Python's stack
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    expected = document(tmp_path, run())
    try:
        found = list(find([tmp_path]))
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # shutil.rmtree is recursive
    assert found == [expected]


def test_an_empty_folder_is_a_problem(tmp_path: Path) -> None:
    assert problem(tmp_path) == "no results.json or results.jsonl is in it"


def test_links_in_circles_are_not_followed(tmp_path: Path) -> None:
    path = document(tmp_path / "a", run())
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert list(find([tmp_path])) == [path]
    assert list(find([tmp_path / "a/loop"])) == [tmp_path / "a/loop/a/results.json"]


def test_a_link_to_itself_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).symlink_to(tmp_path / FILE_NAME)
    assert "symbolic links" in problem(tmp_path)


def test_what_is_no_file_is_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    assert problem(tmp_path) == "it is not a file"
    assert problem(Path("/dev/zero")) == "it is not a file"
    assert problem(tmp_path / "absent") == "No such file or directory"
    (tmp_path / "results.json").mkdir()
    assert problem(tmp_path) == "it is not a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    assert problem(tmp_path / "closed") == "Permission denied"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    document(tmp_path / "other", run()).replace(path)
    with path.open("ab") as file:
        file.truncate(1 << 40)
    assert problem(path) == "it is larger than 256 MiB"


def test_a_file_of_nothing_but_ends_of_lines_is_read_no_further(tmp_path: Path) -> None:
    path = lines(tmp_path, run())
    with path.open("ab") as file:
        file.write(b"\n" * (32 << 20))
    found = read(path)
    assert found.incomplete == "record 2 is damaged: Input data was truncated"


def test_a_run_has_the_last_record_of_each(tmp_path: Path) -> None:
    path = lines(tmp_path, run(finished=""), driver(), case("fail"), case(), run())
    found = read(tmp_path)
    assert found.path == path
    assert found.cases == {("acme", case().case): case()}
    assert found.incomplete == ""
    assert peek(path) == run(finished="")


def test_a_run_that_has_not_ended_is_incomplete(tmp_path: Path) -> None:
    document(tmp_path, run(finished=""))
    assert read(tmp_path).incomplete == "the run did not come to its end"


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(b"\xef\xbb\xbf" + text(tmp_path))
    assert read(path).incomplete == ""


def test_a_folder_of_several_runs_is_not_a_run(tmp_path: Path) -> None:
    document(tmp_path / "a", run("1"))
    assert read(tmp_path).record.id == "1"
    document(tmp_path / "b", run("2"))
    with pytest.raises(RunError, match="2 runs in it: name one"):
        read(tmp_path)
    document(tmp_path, run("3"))
    assert read(tmp_path).record.id == "3"


def test_what_can_be_read_of_a_damaged_file_is_read(tmp_path: Path) -> None:
    for what, (data, said) in damaged(tmp_path / "whole").items():
        path = tmp_path / "results.json"
        path.write_bytes(data)
        (found,) = read_all([path])
        assert isinstance(found, Run), what
        assert said in found.incomplete, what
        assert "acme" in found.drivers, what
        assert len(found.cases) < 3, what


def test_of_what_is_no_run_it_is_said_why(tmp_path: Path) -> None:
    for what, (data, said) in unreadable(tmp_path / "whole").items():
        path = tmp_path / "results.json"
        path.write_bytes(data)
        assert said in problem(path), what
        assert len(problem(path)) < 500, what


def test_the_others_are_read_all_the_same(tmp_path: Path) -> None:
    for number, (data, _) in enumerate(unreadable(tmp_path / "whole").values()):
        folder = tmp_path / f"runs/{number}"
        folder.mkdir(parents=True)
        (folder / "results.json").write_bytes(data)
    document(tmp_path / "runs/good", run("good"))
    found = list(read_all([tmp_path / "runs"]))
    runs = [run for run in found if isinstance(run, Run)]
    assert "good" in [run.record.id for run in runs]
    assert len(found) - len(runs) == len(unreadable(tmp_path / "other"))
