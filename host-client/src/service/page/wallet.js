// For customers without a card: the payment's address and amount as a QR code, and what came to it.

import * as api from "./api.js";

const $ = (id) => document.getElementById(id);

export class Wallet {
  constructor() {
    this.shown = null;
  }

  draw(payment, isWaiting) {
    const told = payment.by_address?.what_to_do ?? "";
    if ($("by-address").textContent !== told) $("by-address").textContent = told;
    $("by-address").hidden = !told;
    const isShort = payment.by_address?.state === "underpaid";
    $("by-address").className = payment.by_address?.state === "paid" ? "good" : "doubt";
    $("wallet").hidden = !payment.uri || !(isWaiting || isShort);
    if ($("wallet").hidden || this.shown === payment.id) return;
    this.shown = payment.id;
    $("uri").textContent = payment.uri;
    $("uri").href = payment.uri;
    $("wallet").open = false;
    $("qr").replaceChildren();
    api.text(`/v1/payments/${payment.id}/qr.svg`).then((image) => {
      if (this.shown !== payment.id) return;
      const parsed = new DOMParser().parseFromString(image, "image/svg+xml");
      $("qr").replaceChildren(document.importNode(parsed.documentElement, true));
    });
  }
}
