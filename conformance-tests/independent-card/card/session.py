"""What ends with a session (section 2.5)."""

from dataclasses import dataclass, field

from .channel import Channel


@dataclass
class Holder:
    """Somebody who typed the PIN (section 7)."""

    request: bytes | None = None
    may_preview: bool = False
    offered: list[bytes] = field(default_factory=list)
    absent: set[bytes] = field(default_factory=set)
    given: set[bytes] = field(default_factory=set)


@dataclass
class Session:
    """[SES-1]: all of it ends at once."""

    channel: Channel | None = None
    holder: Holder | None = None
    challenge: bytes | None = None
    share: int | None = None
    paid: bytes | None = None
    under_way: object = None

    def name(self) -> bytes:
        """How signatures name the session (section 3.8)."""
        return b"\x10" + self.channel.receipt if self.channel else b"\0"

    def withdraw(self, outpoints: set[bytes]) -> None:
        """[OFR-1]"""
        if self.holder:
            self.holder.offered = [each for each in self.holder.offered if each not in outpoints]
