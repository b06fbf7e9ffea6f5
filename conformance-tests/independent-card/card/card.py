"""The card: an APDU in, an APDU out."""

from . import capabilities, commands
from .encoding import u16
from .framing import Answers, Command, parse, require_class
from .memory import FACTORY, ISSUED, Memory, Owned
from .randomness import Random, SystemSource
from .session import Holder, Session
from .status import Refusal, Warned

ATR = bytes.fromhex("3B 8E 01 80 73 C0 01 40 58 54 69 6C 6C 63 61 72 64 8C")
SELECT, GET_RESPONSE, OPEN_CHANNEL = b"\x00\xa4", b"\x00\xc0", b"\x80\x88"


class Card:
    """A card with power. Coins, unrooted coins and payments are how many it can hold."""

    def __init__(self, source=None, bits=capabilities.ALL, coins=300, unrooted=16, payments=64):
        self.bits, self.most_coins, self.most_unrooted, self.most_payments = bits, coins, unrooted, payments
        self.memory = Memory()
        self.random = Random(source or SystemSource())
        self._answers = Answers()
        self.reset()

    def reset(self) -> bytes:
        """Takes the power away and gives it back; the answer to reset."""
        self.is_selected = False
        self.is_protected = False
        self.session = Session()
        self._answers.discard()
        self.random.power_up()
        return ATR

    def declares(self, bit: int) -> bool:
        return bool(self.bits >> bit & 1)

    def transmit(self, apdu: bytes) -> bytes:
        """Answers one command APDU."""
        try:
            command = parse(apdu, self.declares(capabilities.EXTENDED_LENGTH))
            if command.header[:2] == GET_RESPONSE:
                return self._answers.give_more(command)
            self._answers.discard()
            require_class(command.header[0], self.declares(capabilities.CHANNEL))
            return self._call(command)
        except Refusal as refusal:
            self._answers.discard()
            return u16(refusal.status)

    def _call(self, command: Command) -> bytes:
        """Selection and secure messaging, in the order of [FRM-8]."""
        code = command.header[:2]
        if not self.is_selected and code != SELECT:
            raise Refusal(0x6985)
        if command.header[0] & 4:
            return self._call_protected(command)
        self.is_protected = False
        if self.session.channel and code not in (SELECT, OPEN_CHANNEL):
            self.session = Session()
            raise Refusal(0x6982)
        try:
            return self._answers.give(self._run(command.header, command.data), command.expected)
        except Warned as warning:
            return u16(warning.status)

    def _call_protected(self, command: Command) -> bytes:
        channel = self.session.channel
        if not channel:
            raise Refusal(0x6982)
        plain = channel.unprotect(command.header, command.length, command.data)
        if plain is None:
            self.session = Session()
            raise Refusal(0x6982)
        self.is_protected = True
        header = bytes([command.header[0] & ~4]) + command.header[1:]
        try:
            answer = self._run(header, plain)
        except Warned as warning:
            answer = channel.protect(b"", warning.status)
            return (answer if len(answer) <= command.expected else b"") + u16(warning.status)
        return self._answers.give(channel.protect(answer, 0x9000), command.expected)

    def _run(self, header: bytes, data: bytes) -> bytes:
        """A plain command, in a channel or not."""
        if header[:2] == SELECT and not self.is_protected:
            return commands.select(self, header, data)
        if header[:2] == OPEN_CHANNEL and self.declares(capabilities.CHANNEL) and not self.is_protected:
            self.session = Session()
        # [SES-4]: only what goes on with it takes it, and puts it back when it was taken.
        under_way, self.session.under_way = self.session.under_way, None
        return commands.run(self, header, data, under_way)

    # What handlers ask for.

    def auxiliary_randomness(self) -> bytes:
        """For a BIP340 signature; zeros in a card whose nonces are deterministic."""
        return self.random.draw(32) if self.declares(capabilities.AUXILIARY) else bytes(32)

    def require_factory(self) -> None:
        if self.memory.state != FACTORY:
            raise Refusal(0x6985)

    def owned(self) -> Owned:
        """What an issued card has; 6985 for another."""
        if self.memory.state != ISSUED:
            raise Refusal(0x6985)
        return self.memory.owned

    def require_shop_session(self) -> Owned:
        """[POL-1]"""
        owned = self.owned()
        if not self.session.channel and not owned.policy & 1:
            raise Refusal(0x6982)
        return owned

    def require_account_session(self) -> None:
        """[ACC-2]"""
        self.owned()
        if self.memory.personalised and not self.session.channel:
            raise Refusal(0x6982)

    def holder(self) -> Holder:
        if self.session.holder is None:
            raise Refusal(0x6982)
        return self.session.holder

    def end_authority(self) -> None:
        """All that belongs to the session but the channel ends."""
        self.session = Session(channel=self.session.channel)
