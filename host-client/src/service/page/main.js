// The clerk's page: puts the parts together.

import * as api from "./api.js";
import { Alarms } from "./alarms.js";
import { Asking } from "./asking.js";
import { Past } from "./past.js";
import { Paying } from "./paying.js";

const $ = (id) => document.getElementById(id);

const till = { connected: false, state: null };
const alarms = new Alarms(choose);
const past = new Past(choose, (payments) => alarms.draw(payments));
const paying = new Paying(past, () => show("asking"));
const asking = new Asking((payment) => choose(past.update(payment)));

function choose(payment) {
  // What is hidden can't have the focus.
  show("paying");
  paying.show(payment);
}

function show(section) {
  $("door").hidden = section !== "door";
  $("asking").hidden = section !== "asking";
  $("paying").hidden = section !== "paying";
  $("past").hidden = section === "door";
  const first = { door: "key", asking: "amount", paying: null }[section];
  if (first) $(first).focus();
}

function tellTill() {
  const parts = [];
  if (!till.connected) parts.push("The till doesn't answer. Payments under way go on.");
  const chain = till.state?.chain;
  if (chain && chain.state !== "ready") {
    parts.push(chain.reason?.detail ?? "The Bitcoin node isn't ready.");
  }
  if (till.state?.readers) parts.push(till.state.readers.detail);
  $("till-state").textContent = parts.join(" ") || "Ready.";
  $("till-state").className = parts.length ? "bad" : "good";
}

async function refresh() {
  const [state, readers, page] = await Promise.all([
    api.get("/v1/till"),
    api.get("/v1/readers").catch(() => []),
    api.get("/v1/payments?limit=20"),
  ]);
  till.state = state;
  asking.setTill(state);
  asking.setReaders(readers);
  for (const payment of page.payments) paying.update(past.update(payment));
  tellTill();
}

function hear(kind, data) {
  if (kind.startsWith("payment.")) {
    paying.update(past.update(data));
  } else if (kind.startsWith("refund.")) {
    paying.refunds.update(data);
  } else if (kind.startsWith("reader.")) {
    asking.updateReader(data, kind === "reader.removed");
  } else if (kind === "till.updated") {
    refresh().catch(() => {});
  }
}

async function open() {
  try {
    till.connected = true;
    await refresh();
  } catch (error) {
    if (error.status === 401 || error.status === 403) return close(error.message);
    till.connected = false;
    tellTill();
    setTimeout(open, 1000);
    return;
  }
  show("asking");
  const onState = (connected) => {
    till.connected = connected;
    tellTill();
    if (connected) refresh().catch(() => {});
  };
  api.listen(hear, onState).catch(() => close("This key has ended."));
}

function close(why) {
  api.key.forget();
  $("door-error").textContent = why;
  show("door");
}

$("door-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.key.set($("key").value.trim());
  $("key").value = "";
  $("door-error").textContent = "";
  open();
});

if (api.key.get()) open();
else show("door");
