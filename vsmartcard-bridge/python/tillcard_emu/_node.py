"""A regtest node, and what tests have it do."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from ._error import EmulatorError

#: Seconds for one answer: mining takes its time.
PATIENCE = 60


class Node:
    """The node on which the cards' coins are. `source` is what a till's TILLCARD_CHAIN would be."""

    def __init__(self, source: str) -> None:
        self.source = source
        parts = urlsplit(source.removeprefix("core:"))
        cookie = parse_qs(parts.query).get("cookie")
        self._credentials = (
            Path(cookie[0]).read_text().strip() if cookie else f"{parts.username}:{parts.password}"
        )
        #: Its address, for any client of Bitcoin Core.
        self.url = f"http://{parts.hostname}:{parts.port}"
        # A proxy of the environment's is none for this machine.
        self._opener = build_opener(ProxyHandler({}))

    def ask(self, method: str, *params: Any) -> Any:
        """One call by JSON-RPC. EmulatorError has the node's error, its number as `code`."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        request = Request(self.url, data=body.encode(), method="POST")
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Basic {b64encode(self._credentials.encode()).decode()}")
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                told = json.loads(answer.read())
        except HTTPError as error:
            with error:
                told = json.loads(error.read() or b'{"error": {"code": 0, "message": "refused"}}')
        except URLError as error:
            raise EmulatorError("no-contact", f"the node can't be reached: {error}") from None
        if told.get("error"):
            raise EmulatorError(str(told["error"]["code"]), told["error"]["message"])
        return told["result"]

    def mine(self, blocks: int = 1) -> list[str]:
        """Mines blocks, whose rewards are nobody's; their hashes."""
        return self.ask("generatetoaddress", blocks, "bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct")

    def reorganise(self, depth: int) -> list[str]:
        """Has the last blocks replaced by one more, all empty; the hashes of those that left. Their
        payments wait in the mempool again. Only the embedded chain and `tillcard regtest` can do this."""
        return self.ask("reorganise", depth)["left"]

    def evict(self, txid: str) -> list[str]:
        """Has the mempool forget a payment, and all that hang on it, which it tells. Only the embedded
        chain and `tillcard regtest` can do this."""
        return self.ask("evict", txid)["evicted"]

    def switch(self, **switches: Any) -> None:
        """Has the node misbehave: `switch(behind=3)`, `switch(starting=True)`, `switch(silent=True)`,
        `switch(refuse={"code": -26, "message": "mempool full"})`; what isn't named is off. Only the
        embedded chain and `tillcard regtest` can do this."""
        self.ask("setswitches", switches)
