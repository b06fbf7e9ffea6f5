// Payments of before.

import { amount, brief, sat, time } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Past {
  constructor(onChosen, onDrawn) {
    this.payments = [];
    this.onChosen = onChosen;
    this.onDrawn = onDrawn;
  }

  /** What is known of a payment now. An answer may come after the event of what happened since. */
  update(payment) {
    const at = this.payments.findIndex((other) => other.id === payment.id);
    if (at >= 0 && this.payments[at].updated_at > payment.updated_at) return this.payments[at];
    if (at < 0) this.payments.push(payment);
    else this.payments[at] = payment;
    this.payments.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    this.draw();
    return payment;
  }

  draw() {
    this.onDrawn(this.payments);
    const focused = document.activeElement?.dataset?.payment;
    const rows = this.payments.map((payment) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.payment = payment.id;
      const parts = [amount(payment), brief(payment), time(payment.created_at)];
      if (payment.by_address) parts.push(`${sat(payment.by_address.received_sat)} from a wallet`);
      if (payment.reference) parts.push(payment.reference);
      for (const part of parts) {
        const span = document.createElement("span");
        span.textContent = part;
        button.append(span);
      }
      button.addEventListener("click", () => this.onChosen(payment));
      row.append(button);
      return row;
    });
    $("past-list").replaceChildren(...rows);
    $("past-none").hidden = rows.length > 0;
    if (focused) document.querySelector(`[data-payment="${CSS.escape(focused)}"]`)?.focus();
  }
}
