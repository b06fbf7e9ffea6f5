"""Status words (section 9) that end a command."""


class Refusal(Exception):
    """A command ends with this status word and no data."""

    def __init__(self, status: int):
        super().__init__(f"{status:04X}")
        self.status = status


class Warned(Exception):
    """A command ends with 63Cx, which a channel protects as it does 9000 (section 2.7)."""

    def __init__(self, tries: int):
        super().__init__()
        self.status = 0x63C0 + tries
