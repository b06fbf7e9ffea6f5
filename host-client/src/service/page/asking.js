// A new payment: amount, reader.

import * as api from "./api.js";

const $ = (id) => document.getElementById(id);

const CONTENT = { empty: "no card", card: "a card is in it", unusable: "" };

export class Asking {
  constructor(onMade) {
    this.readers = [];
    this.onMade = onMade;
    // A request that is sent again makes no second payment.
    this.name = crypto.randomUUID();
    $("asking-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  setTill(till) {
    this.currency = till.currency;
    $("amount-label").textContent = `Amount in ${till.currency ?? "sat"}`;
    $("amount").pattern = till.currency ? "[0-9]+([.][0-9]{1,2})?" : "[0-9, ]+";
    $("to-row").hidden = till.has_addresses;
    $("to").required = !till.has_addresses;
  }

  setReaders(readers) {
    this.readers = readers;
    this.draw();
  }

  updateReader(reader, isGone) {
    const at = this.readers.findIndex((other) => other.id === reader.id);
    if (isGone) this.readers.splice(at, at < 0 ? 0 : 1);
    else if (at < 0) this.readers.push(reader);
    else this.readers[at] = reader;
    this.draw();
  }

  chosen() {
    return document.querySelector("input[name=reader]:checked")?.value;
  }

  draw() {
    const chosen = this.chosen();
    const rows = this.readers.map((reader) => {
      const row = document.createElement("label");
      row.className = "reader";
      const choice = document.createElement("input");
      Object.assign(choice, { type: "radio", name: "reader", value: reader.id, required: true });
      choice.checked = reader.id === chosen || this.readers.length === 1;
      const said = reader.payment ? "in use" : (reader.reason?.detail ?? CONTENT[reader.state]);
      row.append(choice, `${reader.id}: ${said}`);
      return row;
    });
    if (!rows.length) rows.push("No card reader is connected: plug one in.");
    $("reader-list").replaceChildren(...rows);
  }

  async send() {
    const amount = $("amount").value.replaceAll(/[ ,]/g, "");
    const wanted = this.currency ? { price: amount } : { amount_sat: Number(amount) };
    wanted.reader = this.chosen();
    if ($("to").value.trim()) wanted.to = $("to").value.trim();
    if ($("reference").value.trim()) wanted.reference = $("reference").value.trim();
    $("asking-error").textContent = "";
    try {
      const made = await api.post("/v1/payments", wanted, { "Idempotency-Key": this.name });
      this.name = crypto.randomUUID();
      $("asking-form").reset();
      this.draw();
      this.onMade(made);
    } catch (error) {
      if (error.status) this.name = crypto.randomUUID();
      $("asking-error").textContent = error.message;
    }
  }
}
