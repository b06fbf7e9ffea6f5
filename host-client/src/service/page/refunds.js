// Refunds of the payment that is shown: asked for here, signed by the back office.

import * as api from "./api.js";
import { sat } from "./words.js";

const $ = (id) => document.getElementById(id);

const WORDS = {
  drafted: "waits for the back office, which signs it. Nothing has gone back yet.",
  signed: "is signed, and will be sent.",
  broadcast: "is on its way, and waits for a block.",
  confirmed: "is in a block.",
  settled: "is paid back.",
  cancelled: "was cancelled. Nothing has gone back by it.",
  expired: "was given up, since nobody signed it in time. Nothing has gone back by it.",
  conflicted: "won't be paid: its coins went another way.",
};

export class Refunds {
  constructor() {
    this.payment = null;
    this.refunds = [];
    // A request that is sent again drafts no second refund.
    this.name = crypto.randomUUID();
    $("refund-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  /** The payment at hand; what was refunded of it is asked for once it is shown. */
  show(payment) {
    const isOther = payment.id !== this.payment?.id;
    this.payment = payment;
    const isPaid = payment.state === "settled" || payment.by_address?.confirmations > 0;
    if (isOther) {
      this.refunds = [];
      $("refund").open = false;
      $("refund-to").value = "";
      $("refund-amount").value = "";
      $("refund-error").textContent = "";
      this.draw();
    }
    if (isPaid && (isOther || $("refund").hidden)) this.ask();
    $("refund").hidden = !isPaid;
  }

  async ask() {
    const { id } = this.payment;
    const page = await api.get(`/v1/refunds?payment=${encodeURIComponent(id)}`).catch(() => null);
    for (const refund of page?.refunds ?? []) this.update(refund);
  }

  /** What is known of a refund now. */
  update(refund) {
    if (refund.payment !== this.payment?.id) return;
    const at = this.refunds.findIndex((other) => other.id === refund.id);
    if (at >= 0 && this.refunds[at].updated_at > refund.updated_at) return;
    if (at < 0) this.refunds.push(refund);
    else this.refunds[at] = refund;
    this.refunds.sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    this.draw();
  }

  draw() {
    const rows = this.refunds.map((refund) => {
      const row = document.createElement("li");
      const told = document.createElement("p");
      const words = WORDS[refund.state] ?? refund.state;
      told.textContent = `${sat(refund.amount_sat)} to ${refund.to} ${words}`;
      row.append(told);
      if (refund.reason) {
        const reason = document.createElement("p");
        reason.className = "doubt";
        reason.textContent = refund.reason.detail;
        row.append(reason);
      }
      if (refund.state === "drafted") {
        const cancel = document.createElement("button");
        Object.assign(cancel, { type: "button", textContent: "Cancel refund" });
        cancel.addEventListener("click", () => this.post(`/v1/refunds/${refund.id}/cancel`, {}));
        row.append(cancel);
      }
      return row;
    });
    $("refund-list").replaceChildren(...rows);
  }

  async send() {
    const wanted = { payment: this.payment.id, to: $("refund-to").value.trim() };
    const amount = $("refund-amount").value.replaceAll(/[ ,]/g, "");
    if (amount) wanted.amount_sat = Number(amount);
    if (await this.post("/v1/refunds", wanted, { "Idempotency-Key": this.name })) {
      $("refund-to").value = "";
      $("refund-amount").value = "";
    }
  }

  async post(path, body, more) {
    $("refund-error").textContent = "";
    try {
      this.update(await api.post(path, body, more));
    } catch (error) {
      $("refund-error").textContent = error.message;
      // Without an answer the till may have it: the same request is sent again.
      if (error.status === undefined) return false;
    }
    this.name = crypto.randomUUID();
    return $("refund-error").textContent === "";
  }
}
