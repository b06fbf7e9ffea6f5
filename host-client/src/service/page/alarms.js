// Money that was counted on went back: the clerk is told, whichever payment is at hand.

import { sat, time } from "./words.js";

const SEEN = "tillcard-alarms-seen";

const $ = (id) => document.getElementById(id);

export class Alarms {
  constructor(onChosen) {
    this.onChosen = onChosen;
    this.seen = new Map(JSON.parse(localStorage.getItem(SEEN) ?? "[]"));
  }

  /** Shows the last alarm of each payment, until somebody has seen it. */
  draw(payments) {
    const raised = payments.filter(({ id, alarms }) => alarms.length > (this.seen.get(id) ?? 0));
    const rows = raised.map((payment) => {
      const { detail, at } = payment.alarms.at(-1);
      const row = document.createElement("li");
      const text = document.createElement("p");
      text.textContent = `${time(at)}, ${sat(payment.amount_sat)}: ${detail}`;
      const show = this.button("Show payment", () => this.onChosen(payment));
      const seen = this.button("Seen", () => {
        this.seen.set(payment.id, payment.alarms.length);
        localStorage.setItem(SEEN, JSON.stringify([...this.seen].slice(-100)));
        this.draw(payments);
      });
      row.append(text, show, seen);
      return row;
    });
    $("alarm-list").replaceChildren(...rows);
    $("alarms").hidden = rows.length === 0;
  }

  button(name, act) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: name });
    button.addEventListener("click", act);
    return button;
  }
}
