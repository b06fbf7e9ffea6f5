"""What can go wrong."""

from .status import meaning


class Failure(Exception):
    """The card, or somebody between, did something that the protocol doesn't allow."""


class Refused(Failure):
    """The card answered another status word than 9000."""

    def __init__(self, status: bytes):
        super().__init__(f"the card refused with {status.hex().upper()}: {meaning(status)}")
        self.status = status


def demand(condition: bool, message: str) -> None:
    if not condition:
        raise Failure(message)
