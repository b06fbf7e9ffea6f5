"""Why something can't be done."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator can't do what it was asked. `code` is the error's stable name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
