"""Status words."""

from . import constants as C


def tries_told(status: bytes) -> int | None:
    """The PIN tries left, if that is what the status word tells."""
    code = status.hex().upper()
    return int(code.removeprefix(C.WRONG_PIN), 16) if code.startswith(C.WRONG_PIN) else None


def is_proven(status: bytes) -> bool:
    """Whether an answer with this status word bears a MAC in a channel."""
    return status == C.DONE or tries_told(status) is not None


def meaning(status: bytes) -> str:
    tries = tries_told(status)
    if tries is not None:
        return C.WRONG_PIN_MEANING.replace("x", str(tries), 1)
    return C.MEANINGS.get(status, "a status word that the protocol doesn't know")
