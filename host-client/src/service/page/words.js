// What the clerk reads: plain words for each state.

const WORDS = {
  created: "The payment begins.",
  waiting_for_card: "Ask the customer to put the card in.",
  waiting_for_pin: "Ask the customer to type the PIN.",
  signing: "The card is paying. Leave it in.",
  broadcast: "Paid, and waiting for a block. The card can be taken out.",
  confirmed: "Paid, and in a block. The shop waits for more blocks.",
  settled: "Paid. The shop has its money.",
  cancelled: "Cancelled. Nothing was debited.",
  declined: "Declined. Nothing was debited.",
  expired: "Too late: the payment was given up. Nothing was debited.",
  conflicted: "Not paid: the money went another way, and this payment never will be paid.",
  unknown: "In doubt. It may still be paid: don't take a second payment. Put the same card in again.",
  closed: "Closed by the shop. It may still be paid; if it is, pay it back.",
};

const FROM_A_WALLET = {
  broadcast: "Paid from a wallet, and waiting for a block.",
  confirmed: "Paid from a wallet, and in a block. The shop waits for more blocks.",
};

const SHORT = {
  created: "begins",
  waiting_for_card: "waits for card",
  waiting_for_pin: "waits for PIN",
  signing: "card pays",
  broadcast: "waits for block",
  confirmed: "in a block",
  settled: "paid",
  cancelled: "cancelled",
  declined: "declined",
  expired: "expired",
  conflicted: "not paid",
  unknown: "in doubt",
  closed: "closed",
};

export const BEFORE_CARD = ["created", "waiting_for_card", "waiting_for_pin"];
export const OVER = ["settled", "cancelled", "declined", "expired", "conflicted", "closed"];

export function told(payment) {
  if (payment.state === "unknown" && payment.txid) {
    return "In doubt. The network doesn't have it (any more), and it may still be paid: keep the goods, and don't take a second payment.";
  }
  if (payment.by_address && !payment.txid && FROM_A_WALLET[payment.state]) {
    return FROM_A_WALLET[payment.state];
  }
  return WORDS[payment.state] ?? payment.state;
}

export function brief(payment) {
  return SHORT[payment.state] ?? payment.state;
}

export function mood(state) {
  if (state === "unknown" || state === "closed") return "doubt";
  if (["settled", "broadcast", "confirmed"].includes(state)) return "good";
  if (["declined", "conflicted", "expired"].includes(state)) return "bad";
  return "";
}

export function sat(amount) {
  return `${amount.toLocaleString("en")} sat`;
}

/** What a payment is, in the shop's currency too if it was asked for so. */
export function amount({ amount_sat, price }) {
  return price ? `${price.amount} ${price.currency} (${sat(amount_sat)})` : sat(amount_sat);
}

export function time(text) {
  return new Date(text).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
}
