"""What can go wrong."""


class Failure(Exception):
    """The card, or somebody between, did something that the protocol doesn't allow."""


class Refused(Failure):
    """The card answered a status word other than 9000."""

    def __init__(self, status: bytes, meaning: str):
        super().__init__(f"refused with {status.hex().upper()} ({meaning})")
        self.status = status


def demand(condition: bool, message: str) -> None:
    if not condition:
        raise Failure(message)
