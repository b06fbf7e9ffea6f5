// The payment at hand: how far it came, its PIN, and what the clerk can do.

import * as api from "./api.js";
import { print } from "./receipt.js";
import { Refunds } from "./refunds.js";
import { Wallet } from "./wallet.js";
import { BEFORE_CARD, OVER, amount, mood, told } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Paying {
  constructor(past, onNext) {
    this.past = past;
    this.payment = null;
    this.wallet = new Wallet();
    this.refunds = new Refunds();
    const act = (button, path, body) =>
      $(button).addEventListener("click", () => this.send(path, body));
    act("cancel", "cancel", {});
    act("close", "close", {});
    $("ask-again").addEventListener("click", () =>
      this.send("ask-again", { reader: this.payment.reader }),
    );
    $("print").addEventListener("click", () => print(this.payment));
    $("next").addEventListener("click", () => {
      this.payment = null;
      onNext();
    });
    $("pin-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const pin = $("pin").value;
      $("pin").value = "";
      this.send("pin", { pin });
    });
    this.pad();
  }

  get id() {
    return this.payment?.id;
  }

  show(payment) {
    this.payment = null;
    $("pin").value = "";
    $("paying-error").textContent = "";
    this.draw(payment);
    $("next").focus();
  }

  update(payment) {
    if (payment.id === this.id) this.draw(payment);
  }

  draw(payment) {
    const before = this.payment;
    this.payment = payment;
    $("paying-amount").textContent = amount(payment);
    const words = told(payment);
    // Only what changed is read aloud.
    if ($("paying-state").textContent !== words) $("paying-state").textContent = words;
    $("paying-state").className = `state ${mood(payment.state)}`;
    const reason = payment.reason?.detail ?? "";
    if ($("paying-reason").textContent !== reason) $("paying-reason").textContent = reason;
    $("paying-step").textContent = OVER.includes(payment.state) ? "" : payment.step;
    this.wallet.draw(payment, BEFORE_CARD.includes(payment.state));
    this.refunds.show(payment);
    $("pin-form").hidden = !payment.pin;
    if (payment.pin) {
      const tries = payment.pin.tries_left;
      $("tries").textContent = tries === 1 ? "(last try)" : `(${tries} tries left)`;
      if (!before?.pin) $("pin").focus();
    }
    const isAsking = payment.state === "unknown" && payment.txid === null;
    $("cancel").hidden = !BEFORE_CARD.includes(payment.state) && !isAsking;
    $("cancel").textContent = isAsking ? "Stop waiting for the card" : "Cancel payment";
    $("ask-again").hidden = !isAsking;
    $("close").hidden = payment.state !== "unknown";
    $("print").hidden = BEFORE_CARD.includes(payment.state);
    $("next").hidden = BEFORE_CARD.includes(payment.state) || payment.state === "signing";
  }

  async send(what, body) {
    $("paying-error").textContent = "";
    try {
      const payment = await api.post(`/v1/payments/${this.id}/${what}`, body);
      if (payment) this.update(this.past.update(payment));
    } catch (error) {
      $("paying-error").textContent = error.message;
    }
  }

  pad() {
    const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "Clear", "0"];
    const buttons = keys.map((key) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: key });
      button.addEventListener("click", () => {
        const typed = $("pin").value;
        $("pin").value = key === "Clear" ? "" : (typed + key).slice(0, 12);
      });
      return button;
    });
    $("pad").replaceChildren(...buttons);
  }
}
