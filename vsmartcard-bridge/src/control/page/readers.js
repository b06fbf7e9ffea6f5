/** The readers: what is in each, what its card is like, and what can be done with it. */

import { DRAGGED } from "./cards.js";
import { byId, button, element, number } from "./dom.js";
import { faultSwitches } from "./faults.js";

const slots = byId("slots");

/** Shows all readers. `act` has what can be done: `put`, `remove`, `setFault`, `clearFaults`, `save`,
 * `restore`, `fork`, `discard`. */
export function showReaders(readers, cards, commands, act) {
  const open = new Set([...slots.querySelectorAll("details[open]")].map(address));
  const focused = path(document.activeElement);
  const byName = new Map(cards.map((card) => [card.name, card]));
  slots.replaceChildren(...readers.map((reader) => slot(reader, byName.get(reader.card), commands, act)));
  for (const details of slots.querySelectorAll("details")) {
    details.open = open.has(address(details));
  }
  if (focused) {
    find(focused)?.focus();
  }
}

const address = (details) => `${details.closest("article").dataset.reader}/${details.dataset.part}`;

/** Where an element is among the controls of its reader, so that it is found again in what replaces it. */
function path(control) {
  const reader = control?.closest?.("#slots article");
  return reader && { reader: reader.dataset.reader, text: control.textContent, tag: control.tagName };
}

function find({ reader, text, tag }) {
  const again = [...slots.children].find((each) => each.dataset.reader === reader);
  const same = [...(again?.querySelectorAll(tag) ?? [])].find((each) => each.textContent === text);
  return same ?? again?.querySelector("button");
}

function slot(reader, card, commands, act) {
  const made = element(
    "article",
    { data: { reader: reader.name }, className: card ? "full" : "empty" },
    element("h3", {}, reader.name),
    ...(card ? inside(reader, card, commands, act) : [element("p", {}, "Empty. Put a card in.")]),
  );
  made.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes(DRAGGED)) {
      event.preventDefault();
      made.classList.add("target");
    }
  });
  made.addEventListener("dragleave", () => made.classList.remove("target"));
  made.addEventListener("drop", (event) => {
    event.preventDefault();
    made.classList.remove("target");
    act.put(event.dataTransfer.getData(DRAGGED), reader.name);
  });
  return made;
}

function inside(reader, card, commands, act) {
  return [
    element(
      "div",
      { className: "card" },
      element("span", { className: "chip", aria: { hidden: "true" } }),
      element("strong", {}, card.name),
      element("p", {}, card.about),
      facts(card),
    ),
    element(
      "div",
      { className: "line" },
      button("Take out", () => act.remove(reader.name)),
      button("Throw away", () => act.discard(card.name), { title: "The next one of its name is new" }),
    ),
    faultSwitches(card, commands, {
      set: (fault) => act.setFault(card.name, fault),
      clear: () => act.clearFaults(card.name),
    }),
    snapshots(card, act),
  ];
}

function facts(card) {
  const amount = card.coins.reduce((sum, coin) => sum + coin.amount, 0);
  const coins = `${card.coins.length} ${card.coins.length === 1 ? "coin" : "coins"}`;
  const shown = [
    ["PIN", card.pin ?? "none"],
    ["Given", card.coins.length ? `${number(amount)} sat, ${coins}` : "no coins"],
    ["Paid", card.payments.length ? `${card.payments.length}, not sent` : null],
    ["Network", card.account?.network ?? "nobody’s"],
    ["Address", card.account?.addresses[0] ?? null],
  ];
  return element(
    "dl",
    {},
    ...shown
      .filter(([, value]) => value !== null)
      .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

function snapshots(card, act) {
  const label = element("input", { required: true, placeholder: "before the payment", aria: { label: "Label" } });
  const form = element("form", { className: "line" }, label, element("button", {}, "Save"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act.save(card.name, label.value);
  });
  const kept = card.snapshots.map((name) =>
    element(
      "li",
      { className: "line" },
      element("span", { className: "grow" }, name),
      button("Restore", () => act.restore(card.name, name), { aria: { label: `Restore ${name}` } }),
      button("Fork", () => act.fork(card.name, name), { aria: { label: `Fork ${name}` } }),
    ),
  );
  return element(
    "details",
    { data: { part: "snapshots" } },
    element("summary", {}, kept.length ? `Snapshots: ${kept.length}` : "Snapshots"),
    form,
    kept.length > 0 && element("ul", {}, ...kept),
  );
}
