"""A card behind any transmit(bytes) -> bytes: short APDUs, GET RESPONSE, plain or in a channel."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec

from . import constants as C
from . import tlv
from .channel import Channel, open_channel
from .errors import Failure, Refused, demand
from .fields import split
from .integers import u8, uint


class Card:
    def __init__(self, transmit: Callable[[bytes], bytes]):
        self._transmit = transmit
        self.channel: Channel | None = None
        self.version = b""
        self.features = 0

    def select(self) -> None:
        """Selects the application; that ends a channel."""
        self.channel = None
        fci = tlv.unwrap(C.FCI, self.command(C.SELECT, C.AID))
        (aid_tag, aid), (card_tag, card) = _two(fci)
        demand((aid_tag, card_tag, aid) == (C.FCI_AID, C.FCI_PROPRIETARY, C.AID), "another application was selected")
        answer = tlv.decode(C.FCI_CARD, card)
        self.version = answer["version"]
        known = u8(C.MAJOR) + u8(C.MINOR)
        why = f"the card has protocol version {_dotted(self.version)}, this client knows {_dotted(known)}"
        demand(self.version == known, why)
        self.features = uint(answer["capabilities"])

    def open_channel(self, agreement_key: bytes, ephemeral: ec.EllipticCurvePrivateKey | None = None) -> None:
        """Begins a session in a channel; it ends the one before."""
        self.channel = None
        self.channel = open_channel(self.command, agreement_key, ephemeral)

    def can(self, feature: int) -> bool:
        return bool(self.features >> feature & 1)

    @property
    def session(self) -> bytes:
        """What signatures say of the session that they are for."""
        return C.SESSION_CHANNEL + self.channel.receipt if self.channel else C.SESSION_PLAIN

    def command(self, header: bytes, data: bytes = b"", le: int | None = C.SHORT_LE) -> bytes:
        """The answer to a command that has to succeed."""
        answer, status = self.exchange(header, data, le)
        if status != C.DONE:
            raise Refused(status)
        return answer

    def exchange(self, header: bytes, data: bytes = b"", le: int | None = C.SHORT_LE) -> tuple[bytes, bytes]:
        """Whole answer and status word."""
        if not self.channel:
            return self._whole(apdu(header, data, le))
        # Every protected answer has data, if only a MAC, and is longer than the plain one.
        answer, status = self._whole(apdu(*self.channel.protect(header, data), C.SHORT_LE))
        return self.channel.unprotect(answer, status), status

    def first_bytes(self, header: bytes, data: bytes, le: int) -> bytes:
        """Sends a command and leaves the rest of its answer where it is."""
        if self.channel:
            header, data = self.channel.protect(header, data)
        return self._transmit(apdu(header, data, le))

    def pieces(self, header: bytes, data: bytes) -> bytes:
        """Sends what may be too long for one command; the answer is the last piece's."""
        answer = b""
        for piece in split(data, C.MOST_SHORT_DATA):
            demand(answer == b"", "an answer before the last piece")
            answer = self.command(header, piece)
        return answer

    def status(self) -> dict[str, bytes]:
        answer = self.command(C.STATUS)
        alone = len(list(tlv.each(answer))) == len(C.STATUS_STATE)
        status = tlv.decode(C.STATUS_STATE if alone else C.STATUS_STATE + C.STATUS_ISSUED, answer)
        demand((status["state"] == C.ISSUED) != alone, "a status that disagrees with the state")
        return status

    def capabilities(self) -> dict[str, bytes]:
        return tlv.decode(C.CAPABILITIES_ANSWER, self.command(C.CAPABILITIES))

    def _whole(self, command: bytes) -> tuple[bytes, bytes]:
        answer, status = _split(self._transmit(command))
        while status[:1] == C.MORE:
            part, status = _split(self._transmit(C.GET_RESPONSE + status[1:]))
            answer += part
        return answer, status


def apdu(header: bytes, data: bytes, le: int | None) -> bytes:
    """A short command APDU; Le 256 is written as 00 (ISO/IEC 7816-3)."""
    command = header
    if data:
        command += u8(len(data)) + data
    return command if le is None else command + u8(le % C.SHORT_LE)


def _dotted(version: bytes) -> str:
    return ".".join(map(str, version))


def _split(response: bytes) -> tuple[bytes, bytes]:
    if len(response) < 2:
        raise Failure("a response without a status word")
    return response[:-2], response[-2:]


def _two(data: bytes) -> list[tuple[bytes, bytes]]:
    found = list(tlv.each(data))
    demand(len(found) == 2, "another file control information than the text's")
    return found
