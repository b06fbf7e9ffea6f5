"""What each command does: one module a group, each with a table of its commands.

A handler gets the card and a `Call`, and gives the answer's data or raises a refusal. It looks at
length and encoding first, then at the state, then at authority ([FRM-8]).
"""

from ..status import Refusal
from . import again, certificates, coins, information, issuing, limits, log, owner, paying, pin, signing, statement
from .call import Call
from .information import select

_GROUPS = (again, certificates, coins, information, issuing, limits, log, owner, paying, pin, signing, statement)
_COMMANDS = {code: command for group in _GROUPS for code, command in group.COMMANDS.items()}


def run(card, header: bytes, data: bytes, under_way) -> bytes:
    """Does a plain command."""
    command = _COMMANDS.get(header[:2])
    if command is None or not command.is_declared(card):
        raise Refusal(0x6D00)
    command.require_parameters(card, header[2], header[3])
    return command.handler(card, Call(header, data, under_way))
