"""Test cards in PC/SC readers, without pcscd and without root.

    from tillcard_emu import Emulator

    with Emulator() as emulator:
        card = emulator.reader.insert("insufficient")
        run_my_till(env={**os.environ, "PCSCLITE_CSOCK_NAME": emulator.socket}, pin=card.pin)
        for entry in emulator.reader.trace():
            print(entry)

The program `tillcard-emu` must be installed: it is looked for at the path in TILLCARD_EMU, then in
PATH. With pytest, the fixture `reader` does the rest.
"""

from ._emulator import Card, Emulator, Reader
from ._error import EmulatorError
from ._node import Node

__all__ = ["Card", "Emulator", "EmulatorError", "Node", "Reader"]
