"""A vending machine: takes a payment at its reader, and says whether to give the goods."""

import getpass, os, sys, time

from tillcard_till import AuthenticatedClient
from tillcard_till.api.payments import create_payment, enter_pin, get_payment
from tillcard_till.models import NewPayment, PaymentState as State, Pin

till = AuthenticatedClient(os.environ["TILLCARD_URL"], os.environ["TILLCARD_KEY"])
order = NewPayment(amount_sat=21_000, reader=sys.argv[2], reference="tray 7", expires_in_s=60, confirmations=0)
payment = create_payment.sync(client=till, body=order, idempotency_key=sys.argv[1])
while payment.state in (State.CREATED, State.WAITING_FOR_CARD, State.WAITING_FOR_PIN, State.SIGNING):
    if payment.pin:
        enter_pin.sync_detailed(payment.id, client=till, body=Pin(getpass.getpass("PIN: ")))
    time.sleep(0.5)
    payment = get_payment.sync(payment.id, client=till)
paid = payment.state in (State.BROADCAST, State.CONFIRMED, State.SETTLED)
sys.exit(print("tray 7 opens") if paid else f"{payment.state}: {payment.step}")
