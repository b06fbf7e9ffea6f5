"""A card in a PC/SC reader."""

from smartcard.Exceptions import SmartcardException
from smartcard.pcsc.PCSCExceptions import BaseSCardException
from smartcard.scard import SCARD_UNPOWER_CARD
from smartcard.System import readers

from .errors import Failure


ERRORS = (SmartcardException, BaseSCardException)


class Reader:
    def __init__(self, name: str):
        try:
            present = readers()
        except ERRORS as error:
            raise Failure(f"no PC/SC service: {error}") from error
        found = [each for each in present if str(each) == name] or [each for each in present if name in str(each)]
        if len(found) != 1:
            raise Failure(f"{len(found)} readers match {name!r} among: {', '.join(map(str, present)) or 'none'}")
        self._connection = found[0].createConnection()
        self._connect()

    def transmit(self, command: bytes) -> bytes:
        try:
            data, sw1, sw2 = self._connection.transmit(list(command))
        except ERRORS as error:
            raise Failure(f"the reader says: {error}") from error
        return bytes([*data, sw1, sw2])

    def reset(self) -> None:
        """Takes the card's power away and gives it back."""
        self._connection.disconnect()
        self._connect()

    def close(self) -> None:
        self._connection.disconnect()

    def _connect(self) -> None:
        try:
            self._connection.connect(disposition=SCARD_UNPOWER_CARD)
        except ERRORS as error:
            raise Failure(f"no card answers: {error}") from error
