"""The program `tillcard-emu`, and its control interface."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any, Sequence
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, build_opener, ProxyHandler

from ._error import EmulatorError
from ._node import Node

DEFAULT_READER = "Tillcard Emulator 00 00"

#: Longer than the emulator takes for anything, in seconds.
PATIENCE = 90


@dataclass(frozen=True)
class Card:
    """What a test may know of a card."""

    name: str
    about: str
    #: The holder's PIN; None where the card has none.
    pin: str | None
    #: card_id, descriptor, addresses; None where the card is nobody's.
    account: dict[str, Any] | None
    #: outpoint, amount (sat), index, transaction (hexadecimal) of each.
    coins: list[dict[str, Any]]
    #: Payments that were made before, and that no shop has sent: hexadecimal transactions.
    payments: list[str]
    #: The list by which its manufacturer took its certificate back (PEM), where he did.
    revocation_list: str | None


class Emulator:
    """A running `tillcard-emu` with readers of its own.

    PC/SC programs see the readers with PCSCLITE_CSOCK_NAME set to `socket`. pcsc-lite's library reads
    that variable once in a process: set it before the first call. The cards' coins are invented, unless
    `chain` names a regtest node, as `core:http://HOST:PORT?cookie=PATH`, or is "embedded": a new private
    chain, which needs the program `tillcard`.
    """

    def __init__(
        self,
        readers: Sequence[str] = (DEFAULT_READER,),
        *,
        seed: int = 0,
        socket: str | None = None,
        chain: str | None = None,
        program: str | None = None,
        pin_pad: bool = False,
    ) -> None:
        command = [_find(program), "--control", "127.0.0.1:0", "--json", "--seed", str(seed)]
        for name in readers:
            command += ["--reader", name]
        if chain is not None:
            command += ["--chain", chain]
        if pin_pad:
            command.append("--pin-pad")
        if socket is not None:
            command += ["--pcsc-socket", socket]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.close()
            raise EmulatorError("not-started", "tillcard-emu ended at once; see standard error")
        told = json.loads(line)
        #: The value of PCSCLITE_CSOCK_NAME for programs that are to see the readers.
        self.socket: str = told["pcsc_socket"]
        self._url: str = told["control"]["url"]
        self._token: str = told["control"]["token"]
        # A proxy of the environment's is none for this machine.
        self._opener = build_opener(ProxyHandler({}))
        source = told["chain"] or chain
        #: The node on which the cards' coins are; None where they are invented.
        self.node = Node(source) if source else None
        #: The readers, in the order in which they were named.
        self.readers = [Reader(self, name) for name in readers]

    @property
    def reader(self) -> Reader:
        """The first reader."""
        return self.readers[0]

    def test_cards(self) -> dict[str, str]:
        """The names of the test cards, and what each is."""
        listed = self._ask("GET", "/v1/test-cards")
        return {card["name"]: card["about"] for card in listed}

    def discard(self, card: str) -> None:
        """Throws a card away; the next one of its name is new."""
        self._ask("DELETE", f"/v1/cards/{_part(card)}")

    def discard_all(self) -> None:
        """Empties all readers and throws all cards away."""
        for card in self._ask("GET", "/v1/cards"):
            self.discard(card["name"])

    def close(self) -> None:
        """Ends the emulator. Cards are gone with it."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = Request(self._url + path, method=method)
        request.add_header("Authorization", f"Bearer {self._token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                content = answer.read()
        except HTTPError as error:
            with error:
                problem = json.loads(error.read() or b"{}")
            raise EmulatorError(
                problem.get("code", str(error.code)), problem.get("detail", error.reason)
            ) from None
        except URLError as error:
            raise EmulatorError("no-contact", f"tillcard-emu can't be reached: {error}") from None
        return json.loads(content) if content else None


class Reader:
    """One reader of an emulator."""

    def __init__(self, emulator: Emulator, name: str) -> None:
        self._emulator = emulator
        #: The name by which PC/SC programs know it.
        self.name = name

    def insert(self, card: str) -> Card:
        """Puts a card in, by its name: a test card's, such as "ok", or "ok#2" for another one of that
        kind, or the path of a scenario that ends with ".toml". When this returns, a program can
        connect to it. A card that was in before is the same card."""
        about = self._emulator._ask("PUT", f"{self._path}/card", {"card": card})
        return Card(**about)

    def choose(self, card: str) -> Card:
        """Puts a card in, by its name; one that is in leaves first."""
        return Card(**self._emulator._ask("POST", f"{self._path}/choose", {"card": card}))

    def wait_for(
        self,
        state: str | None = None,
        *,
        command: str | None = None,
        commands: int | None = None,
        timeout: float = 10,
    ) -> None:
        """Waits until the reader is "empty", has a "card", or has one that is "powered";
        until a program asks for a PIN on its pad, "pin-asked"; until the card got
        so many commands since it was put in; or until it got the command of this name:
        `reader.wait_for(command="PAY")`. Raises TimeoutError when that takes longer than so many
        seconds, at most 60."""
        wanted = {"state": state, "command": command, "commands": commands}
        query = {key: value for key, value in wanted.items() if value is not None}
        query["timeout"] = round(1000 * timeout)
        if not self._emulator._ask("GET", f"{self._path}/wait?{urlencode(query)}")["came"]:
            raise TimeoutError(f"{self.name}: not within {timeout} s: {wanted}")

    def type_pin(self, digits: str) -> None:
        """Types a PIN on the reader's PIN pad, and Enter, for the program that asks for it, or for the next
        one while the same card is in. The emulator must have been started with pin_pad=True."""
        self._emulator._ask("POST", f"{self._path}/keys", {"digits": digits, "then": "enter"})

    def press(self, key: str) -> None:
        """Presses a key of the reader's PIN pad: "enter", "clear" or "cancel"."""
        self._emulator._ask("POST", f"{self._path}/keys", {"then": key})

    def hold(self) -> None:
        """Has another program hold the card for itself: who connects is told of a sharing violation, until
        `let_go`, or until the card leaves."""
        self._emulator._ask("PUT", f"{self._path}/holder")

    def let_go(self) -> None:
        """The other program lets the card go."""
        self._emulator._ask("DELETE", f"{self._path}/holder")

    def remove(self) -> str | None:
        """Takes the card out; its name, or None for an empty reader."""
        return self._emulator._ask("DELETE", f"{self._path}/card")["card"]

    @property
    def card(self) -> str | None:
        """The name of the card that is in."""
        readers = self._emulator._ask("GET", "/v1/readers")
        return next(reader["card"] for reader in readers if reader["name"] == self.name)

    def fault(
        self, effect: str | dict[str, Any], *, command: str | None = None, number: int | None = None
    ) -> None:
        """Has something go wrong with the card that is in: `reader.fault("mute")`,
        `reader.fault({"answer": "6985"}, command="PAY", number=1)`. Without a command it is any;
        without a number it is each time."""
        fault = {"effect": effect, "command": command, "number": number}
        body = {key: value for key, value in fault.items() if value is not None}
        self._emulator._ask("POST", f"{self._card_path()}/faults", body)

    def clear_faults(self) -> None:
        """Takes all faults of the card away."""
        self._emulator._ask("DELETE", f"{self._card_path()}/faults")

    def cut_power(self, at_apdu: int) -> None:
        """Has the power fail when the card has done this command, counted from 1 and from now on, and
        hasn't answered it yet."""
        self.fault("cut-power-after", number=at_apdu)

    def trace(self) -> list[dict[str, Any]]:
        """What was said to the card that is in, and what it answered. PINs and keys are left out."""
        return self._emulator._ask("GET", f"{self._card_path()}/trace")

    def save(self, label: str) -> None:
        """Keeps a copy of the card's memory under a label."""
        self._emulator._ask("PUT", f"{self._card_path()}/snapshots/{_part(label)}")

    def fork(self, label: str, name: str) -> Card:
        """Makes a card of this name with the memory that was saved; both go their own ways from there.
        Put it in by its name."""
        path = f"{self._card_path()}/snapshots/{_part(label)}/fork"
        return Card(**self._emulator._ask("POST", path, {"name": name}))

    def restore(self, label: str) -> None:
        """Makes the card's memory what it was when it was saved; the card loses its power."""
        self._emulator._ask("POST", f"{self._card_path()}/snapshots/{_part(label)}/restore")

    @property
    def _path(self) -> str:
        return f"/v1/readers/{_part(self.name)}"

    def _card_path(self) -> str:
        card = self.card
        if card is None:
            raise EmulatorError("no-such-card", f"there is no card in {self.name}")
        return f"/v1/cards/{_part(card)}"


def _part(text: str) -> str:
    """A part of a path."""
    return quote(text, safe="")


def _find(program: str | None) -> str:
    wanted = program or os.environ.get("TILLCARD_EMU") or "tillcard-emu"
    found = shutil.which(wanted)
    if found is None:
        raise EmulatorError(
            "no-program",
            f"{wanted} isn't there; install tillcard-emu, or set TILLCARD_EMU to its path",
        )
    return found
