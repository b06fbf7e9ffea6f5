// A receipt, as the printer gets it.

import { amount, sat, time, told } from "./words.js";

export function print(payment) {
  const rows = [
    ["Amount", amount(payment)],
    ["A bitcoin cost", payment.price && `${payment.price.rate} ${payment.price.currency}`],
    ["Time", time(payment.created_at)],
    ["State", told(payment)],
    ["Reference", payment.reference],
    ["Paid to", payment.to],
    ["Transaction", payment.txid],
    ["From a wallet", payment.by_address && sat(payment.by_address.received_sat)],
    ["In", payment.by_address?.coins.map((coin) => coin.txid).join(" ")],
    ["Payment", payment.id],
  ];
  const list = document.createElement("dl");
  for (const [name, value] of rows) {
    if (!value) continue;
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    list.append(term, text);
  }
  const title = document.createElement("h2");
  title.textContent = "Receipt";
  document.getElementById("receipt").replaceChildren(title, list);
  window.print();
}
