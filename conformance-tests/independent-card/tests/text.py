"""What the tests read out of the protocol text."""

import re
from pathlib import Path

PATH = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"


def section(number: int) -> str:
    """A section from its heading to the next one of its kind."""
    return re.split(r"^## \d+\. .*$", PATH.read_text(encoding="utf-8"), flags=re.M)[number]
