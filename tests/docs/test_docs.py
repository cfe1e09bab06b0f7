"""The documentation's code runs, and prints what the pages say; its links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import blocks, clean, run

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/tutorial.md", "docs/language.md"]
ALL_PAGES = ["README.md", *sorted(f"docs/{file.name}" for file in ROOT.glob("docs/*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?:)([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES)
def test_code_runs_and_prints_what_the_page_shows(page):
    for block, printed in run(ROOT / page):
        if block.shown is None:
            assert not printed.strip(), f"{page}, line {block.line}: the page does not show this output:\n{printed}"
        else:
            mend = f"{page}, line {block.line}: python -m tests.docs.markdown {page} writes the new output"
            assert clean(printed) == clean(block.shown), mend


@pytest.mark.parametrize(
    "page", sorted(str(p.relative_to(ROOT)) for p in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
)
def test_links_lead_somewhere(page):
    for target in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_a_block_ends_at_its_fence_and_output_follows_its_code():
    page = "a\n```python\nprint(1)\n```\n\n```text\n1\n```\nb\n```python\nx = 2\n```\n\nc\n```text\n2\n```\n"
    first, second = blocks(page)
    assert (first.code, first.shown, first.line) == ("print(1)\n", "1\n", 3)
    assert (second.code, second.shown, second.line) == ("x = 2\n", None, 11)
