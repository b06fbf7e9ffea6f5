/** The cards that can be put in: searched, clicked, dragged, or chosen by keyboard. */

import { byId, button, element } from "./dom.js";

const list = byId("list");
const search = byId("search");
const into = byId("into");

/** The kind of what is dragged. */
export const DRAGGED = "application/x-tillcard";

/** Puts a card in by its name, which may be one of a kind, or a file. */
let putByName;

/** Cards by name: `{ name, about }`. */
let known = new Map();

/** Shows the test cards, and those of the tray that are others. `put(card, reader)` puts one in. */
export function showCards(testCards, tray, put) {
  putByName = (name) => put(name, into.value);
  const wasAt = document.activeElement?.dataset?.card;
  known = new Map([...testCards, ...tray].map((card) => [card.name, card]));
  const where = new Map(tray.filter((card) => card.reader).map((card) => [card.name, card.reader]));
  list.replaceChildren(...[...known.values()].map((card) => entry(card, where.get(card.name), put)));
  filter();
  if (wasAt) {
    buttons().find((each) => each.dataset.card === wasAt)?.focus();
  }
}

/** Shows which readers a card can go into. */
export function showTargets(readers) {
  const chosen = into.value;
  into.replaceChildren(...readers.map(({ name }) => element("option", { value: name }, name)));
  into.value = readers.some(({ name }) => name === chosen) ? chosen : (readers[0]?.name ?? "");
  byId("into-label").hidden = readers.length < 2;
}

function entry({ name, about }, reader, put) {
  const made = button("", () => put(name, into.value), { data: { card: name }, draggable: true });
  made.append(
    element("strong", {}, name),
    element("span", {}, about),
    reader ? element("em", {}, `in ${reader}`) : "",
  );
  made.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData(DRAGGED, name);
    event.dataTransfer.effectAllowed = "move";
  });
  return element("li", {}, made);
}

const buttons = () => [...list.querySelectorAll("button")].filter((each) => !each.parentElement.hidden);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const item of list.children) {
    const { name, about } = known.get(item.firstElementChild.dataset.card);
    const text = `${name} ${about}`.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
  byId("none").hidden = buttons().length > 0;
}

search.addEventListener("input", filter);

/** From the search to the cards, and among them. */
byId("cards").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = buttons();
  const at = all.indexOf(document.activeElement);
  if (event.target === into) {
    return;
  }
  if (event.key === "Enter" && event.target === search && search.value !== "") {
    all.length > 0 ? all[0].click() : putByName(search.value);
  } else if (step === undefined) {
    return;
  } else if (at + step < 0) {
    search.focus();
  } else {
    all[Math.min(at + step, all.length - 1)]?.focus();
  }
  event.preventDefault();
});
