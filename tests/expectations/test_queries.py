"""Queries: a suite, a file, a test, a case, and a star for any text."""

from __future__ import annotations

import pytest

from cts.expectations.queries import file_of, names_case

CASE = "queue/test_copy::test_is_exact[1-*-queue]"


@pytest.mark.parametrize(
    "query",
    [
        "queue",
        "queue/test_copy",
        "queue/test_copy::test_is_exact",
        CASE,
        "*",
        "queue/*",
        "*::test_is_exact",
        "queue/test_copy::*[1-*",
        "*queue]",
    ],
)
def test_names(query: str) -> None:
    assert names_case(query, CASE)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "queu",
        "queue/test_cop",
        "queue/test_copy::test_is",
        "queue/test_copy::test_is_exact[1",
        "queue/test_copy::test_is_exact[?-*-queue]",
        "queue/test_copy::test_is_exact[[1]-*-queue]",
        "Queue",
        "test_copy",
    ],
)
def test_does_not_name(query: str) -> None:
    assert not names_case(query, CASE)


def test_a_test_without_parameters() -> None:
    assert names_case("a/test_b::test_c", "a/test_b::test_c")
    assert not names_case("a/test_b::test_c[x]", "a/test_b::test_c")


@pytest.mark.parametrize(
    ("query", "file"),
    [
        ("queue", ""),
        ("queue/test_copy", "queue/test_copy"),
        ("queue/test_copy::test_*", "queue/test_copy"),
        ("queue/test_*::test_x", ""),
        ("*", ""),
    ],
)
def test_file_of(query: str, file: str) -> None:
    assert file_of(query) == file
