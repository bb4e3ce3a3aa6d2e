"""feedparser's own test documents, read by our readers and by feedparser.

They are in its source package, which is fetched by name when these tests are asked for.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from drawn_feeds import mutated, rss
from hypothesis import HealthCheck, given, settings
from test_parse_readers import REAL, UNDECLARED
from test_parse_readers_atom import expect_no_more
from two_readers import expect_the_same, read_ourselves

from feedwatch.core.model import Form, Page

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
for_long = settings(max_examples=5000, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests that come with the feedparser that is installed."""
    folder = tmp_path_factory.mktemp("feedparser")
    package = f"feedparser=={version('feedparser')}"
    command = [sys.executable, "-m", "pip", "download", package, "--no-binary", ":all:", "--no-deps"]
    fetched = subprocess.run(
        [*command, "--dest", str(folder)], check=False, capture_output=True, text=True, timeout=300
    )
    packed = list(folder.glob("*.tar.gz"))
    if fetched.returncode or not packed:
        last = fetched.stderr.strip().rpartition("\n")[2]
        pytest.skip(f"the source package of {package} cannot be had: {last}")
    with tarfile.open(packed[0]) as archive:
        archive.extractall(folder, filter="data")
    (tests,) = folder.glob("*/tests")
    return tests


ELSEWHERE = {
    "entry_updated_multiple_values.xml": "the first of two dates",
    "entry_title_base64.xml": "Atom has no binary titles: they are what they look like",
    "entry_title_base64_2.xml": "as above",
    "unknown-namespace.xml": "a feed of Atom is made of entries of Atom, and not of items",
    "target.xml": "as above",
    "http_status_304.xml": "as above",
}
"""Documents that come out otherwise, and why that is as it should be."""


def read_all(corpus: Path, form: Form) -> Iterator[tuple[Path, bytes]]:
    """All documents of a form that our readers read."""
    for path in sorted(corpus.rglob("*.xml")):
        read = read_ourselves(body := path.read_bytes())
        if isinstance(read, Page) and read.form is form and path.name not in ELSEWHERE:
            yield path, body


def test_rss_of_feedparser_is_read_as_feedparser_reads_it(corpus: Path) -> None:
    """Hundreds of documents, each about one thing that feedparser knows: none comes out otherwise."""
    assert compare_all(corpus, Form.RSS, expect_the_same) > 300


def test_atom_of_feedparser_is_read_as_feedparser_reads_it(corpus: Path) -> None:
    """The same for Atom, but for what is in the table of differences."""
    assert compare_all(corpus, Form.ATOM, expect_no_more) > 400


def compare_all(corpus: Path, form: Form, compare: Callable[[bytes], object]) -> int:
    """Compare each document and name all that differ; how many there were."""
    differing, seen = Counter[str](), 0
    for path, body in read_all(corpus, form):
        seen += 1
        try:
            compare(body)
        except AssertionError:
            differing[str(path.relative_to(corpus))] += 1
    assert not differing
    return seen


@given(rss())
@for_long
def test_any_rss_is_read_as_feedparser_reads_it_all_the_longer(body: bytes) -> None:
    """What is drawn in every run, by the thousand."""
    expect_the_same(body)


@given(mutated([path.read_bytes() for path in REAL if path.name != UNDECLARED], twice=True))
@for_long
def test_rss_that_has_changed_is_read_as_feedparser_reads_it_all_the_longer(body: bytes) -> None:
    """What is changed in every run, by the thousand."""
    expect_the_same(body)
