"""For schemathesis: before each request that is as it should be, makes what the request is about, so that
it finds a payment in the state that it needs. Writes down what came back.

TILLCARD_URL and TILLCARD_KEY name the till, TILLCARD_ANSWERS the file, TILLCARD_PROGRAM what mines a block."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

READER, OTHER = "Test reader 1", "Test reader 2"
PIN = "271828"
CARD = "ok#2"
# Whom blocks pay, and refunds.
NOBODY = "bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct"


def ask(method, path, body=None):
    request = urllib.request.Request(
        os.environ["TILLCARD_URL"] + urllib.parse.quote(path, safe="/?=&"),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["TILLCARD_KEY"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def wait_until(is_so):
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise TimeoutError


def free(reader):
    """No payment is at the reader, and no card in it."""

    def payment_there():
        return {found["id"]: found for found in ask("GET", "/v1/readers")}[reader]["payment"]

    if (there := payment_there()) is not None:
        ask("POST", f"/v1/payments/{there}/cancel", {})
        wait_until(lambda: payment_there() is None)
    ask("POST", f"/v1/test/readers/{reader}/remove", {})


def payment(reader, card=None, amount=1000):
    """A payment at the reader, and a card in it."""
    free(reader)
    made = ask("POST", "/v1/payments", {"amount_sat": amount, "reader": reader, "expires_in_s": 60})
    if card is not None:
        ask("POST", f"/v1/test/readers/{reader}/present", {"card": card})
        wait_until(lambda: ask("GET", f"/v1/payments/{made['id']}")["pin"] is not None)
    return made["id"]


def in_doubt(reader, number):
    """A payment whose card left before it answered."""
    made = payment(reader, f"removed-mid-payment#{number}")
    ask("POST", f"/v1/payments/{made}/pin", {"pin": PIN})
    wait_until(lambda: ask("GET", f"/v1/payments/{made}")["state"] == "unknown")
    free(reader)
    return made


def settled(reader):
    """A payment that is in a block."""
    made = payment(reader, "ok#3", 20_000)
    ask("POST", f"/v1/payments/{made}/pin", {"pin": PIN})
    state = lambda: ask("GET", f"/v1/payments/{made}")["state"]
    wait_until(lambda: state() == "broadcast")
    subprocess.run([os.environ["TILLCARD_PROGRAM"], "mine", "--to", NOBODY], check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: state() == "settled")
    return made


class Made:
    """What is made once for all requests."""

    def __init__(self):
        self.to_ask, self.to_close = in_doubt(OTHER, 1), in_doubt(OTHER, 2)
        self.settled = settled(OTHER)
        self.any = payment(OTHER)
        free(OTHER)
        self.hooks = []

    def refund(self):
        """A draft, in the place of the one before."""
        for before in ask("GET", "/v1/refunds?state=drafted")["refunds"]:
            ask("POST", f"/v1/refunds/{before['id']}/cancel", {})
        return ask("POST", "/v1/refunds", {"payment": self.settled, "to": NOBODY, "amount_sat": 1_000})["id"]

    def webhook(self):
        if not self.hooks:
            made = ask("POST", "/v1/webhooks", {"url": "https://127.0.0.1:9/"})
            self.hooks.append(made["webhook"]["id"])
        return self.hooks[0]


made = None


def prepare(case):
    global made
    made = made or Made()
    path, body, query = case.path_parameters or {}, case.body, case.query or {}
    match case.operation.definition.raw["operationId"]:
        case "create_payment":
            free(READER)
            # An address of the till's, an amount in sat, and no payment without a block.
            for name in ["to", "price"] + ["confirmations"] * (body.get("confirmations") == 0):
                body.pop(name, None)
            body |= {"reader": READER, "amount_sat": body.get("amount_sat") or 1000}
            body |= {"merchant": "Corner shop"} if body.get("merchant") else {}
            body |= {"reference": "milk"} if body.get("reference") else {}
        case "list_payments":
            query |= {"after": made.any} if "after" in query else {}
        case "create_refund":
            ask("POST", f"/v1/refunds/{made.refund()}/cancel", {})
            body |= {"payment": made.settled, "to": NOBODY, "amount_sat": 1_000}
            body |= {"fee_rate_sat_per_kvb": 1_000} if body.get("fee_rate_sat_per_kvb") else {}
            body |= {"reference": "bread"} if body.get("reference") else {}
        case "list_refunds":
            query |= {"after": made.refund()} if "after" in query else {}
        case "get_refund" | "cancel_refund" | "submit_signed_refund":
            path["refund"] = made.refund()
        case "enter_pin":
            path["payment"] = payment(READER, CARD)
            body["pin"] = PIN
        case "ask_again":
            path["payment"] = made.to_ask
            body["reader"] = OTHER
        case "close_payment":
            path["payment"] = made.to_close
        case "get_payment" | "get_qr_code" | "cancel_payment":
            path["payment"] = made.any
        case "present_test_card":
            path["reader"], body["card"] = READER, CARD
        case "remove_test_card":
            path["reader"] = READER
        case "create_webhook":
            for hook in ask("GET", "/v1/webhooks"):
                ask("DELETE", f"/v1/webhooks/{hook['id']}")
            made.hooks.clear()
            body["url"] = "https://127.0.0.1:9/"
            body |= {"events": ["payment.*"]} if body.get("events") else {}
        case "get_webhook" | "rotate_webhook" | "replay_webhook":
            path["webhook"] = made.webhook()
        case "remove_webhook":
            path["webhook"] = made.webhook()
            made.hooks.clear()
    if query:
        case.query = query


@schemathesis.hook
def before_call(context, case, kwargs):
    prepare(case)


@schemathesis.hook
def after_call(context, case, response):
    with open(os.environ["TILLCARD_ANSWERS"], "a", encoding="utf-8") as answers:
        print(case.operation.definition.raw["operationId"], response.status_code, file=answers)
