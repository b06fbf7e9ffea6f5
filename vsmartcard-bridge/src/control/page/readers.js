/** The readers: what is in each, what its card is like, and what can be done with it. */

import { DRAGGED } from "./cards.js";
import { byId, button, element, number } from "./dom.js";
import { faultSwitches } from "./faults.js";

const slots = byId("slots");

/** Shows all readers. `act` has what can be done: `put`, `remove`, `setFault`, `clearFaults`, `save`,
 * `restore`, `fork`, `discard`, `press`, `hold`, `letGo`. */
export function showReaders(readers, cards, commands, act) {
  const open = new Set([...slots.querySelectorAll("details[open]")].map(address));
  const typed = new Map([...slots.querySelectorAll(FIELDS)].map((field) => [key(field), field.value]));
  const focused = slots.contains(document.activeElement) ? key(document.activeElement) : null;
  const byName = new Map(cards.map((card) => [card.name, card]));
  slots.replaceChildren(...readers.map((reader) => slot(reader, byName.get(reader.card), commands, act)));
  for (const details of slots.querySelectorAll("details")) {
    details.open = open.has(address(details));
  }
  for (const field of slots.querySelectorAll(FIELDS)) {
    field.value = typed.get(key(field)) ?? field.value;
  }
  [...slots.querySelectorAll(`${FIELDS}, button, summary`)].find((each) => key(each) === focused)?.focus();
}

/** What a person types or chooses into: that stays when the reader is shown anew. */
const FIELDS = "input, select";

const readerOf = (part) => part.closest("article").dataset.reader;
const address = (details) => `${readerOf(details)}/${details.dataset.part}`;

/** Which control of which reader it is. A summary's text changes after its first word. */
const key = (control) =>
  `${readerOf(control)}/${control.tagName}/${control.ariaLabel ?? control.textContent.split(":")[0]}`;

function slot(reader, card, commands, act) {
  const made = element(
    "article",
    { data: { reader: reader.name }, className: card ? "full" : "empty" },
    element("h3", {}, reader.name),
    reader.pin_pad && pinPad(reader, act),
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

/** The reader's PIN pad: what is typed is for the program that asks. */
function pinPad(reader, act) {
  const digits = element("input", {
    type: "password",
    inputMode: "numeric",
    pattern: "[0-9]*",
    autocomplete: "off",
    placeholder: reader.asks_pin ? "a program asks for the PIN" : "PIN pad",
    aria: { label: `PIN pad of ${reader.name}` },
  });
  const form = element(
    "form",
    { className: reader.asks_pin ? "line asked" : "line" },
    digits,
    element("button", {}, "OK"),
    button("Cancel", () => act.press(reader.name, { then: "cancel" })),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act.press(reader.name, { digits: digits.value, then: "enter" });
    digits.value = "";
  });
  return form;
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
      reader.held
        ? button("Have it let go", () => act.letGo(reader.name))
        : button("Have it held", () => act.hold(reader.name), { title: "Another program takes the card for itself" }),
    ),
    reader.held && element("p", {}, "Another program holds the card: who connects gets a sharing violation."),
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
    label.value = "";
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
