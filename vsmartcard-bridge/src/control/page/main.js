/** Puts the page together: asks what there is, follows what happens, does what is clicked. */

import { Refused, ask, follow, keepToken, token } from "./api.js";
import { showCards, showTargets } from "./cards.js";
import { byId } from "./dom.js";
import { showReaders } from "./readers.js";
import { showEvent } from "./trace.js";

const main = document.querySelector("main");
const contact = byId("contact");
const door = byId("door");
const trouble = byId("trouble");

/** Milliseconds until the next try, when the emulator can't be reached. */
const PAUSE = 1000;

/** The events after which readers or cards are shown anew. */
const SHOWN = [
  ...["inserted", "removed", "card-changed", "reader-added", "fault"],
  ...["pin-asked", "pin-done", "held", "let-go"],
];

let testCards = [];
let commands = [];
let last = 0;

/** Does something, and says why when it can't be done. */
async function attempt(work) {
  try {
    trouble.textContent = "";
    await work();
  } catch (error) {
    trouble.textContent = error.message;
  }
}

const act = {
  put: (card, reader) =>
    attempt(async () => {
      // A card that is in another reader is moved.
      const readers = await ask("GET", ["readers"]);
      const other = readers.find((each) => each.card === card && each.name !== reader);
      if (other) {
        await ask("DELETE", ["readers", other.name, "card"]);
      }
      await ask("POST", ["readers", reader, "choose"], { card });
    }),
  press: (reader, keys) => attempt(() => ask("POST", ["readers", reader, "keys"], keys)),
  hold: (reader) => attempt(() => ask("PUT", ["readers", reader, "holder"])),
  letGo: (reader) => attempt(() => ask("DELETE", ["readers", reader, "holder"])),
  remove: (reader) => attempt(() => ask("DELETE", ["readers", reader, "card"])),
  discard: (card) => attempt(() => ask("DELETE", ["cards", card])),
  setFault: (card, fault) => attempt(() => ask("POST", ["cards", card, "faults"], fault)),
  clearFaults: (card) => attempt(() => ask("DELETE", ["cards", card, "faults"])),
  save: (card, label) => attempt(() => ask("PUT", ["cards", card, "snapshots", label])),
  restore: (card, label) => attempt(() => ask("POST", ["cards", card, "snapshots", label, "restore"])),
  fork: (card, label) =>
    attempt(async () => {
      await ask("POST", ["cards", card, "snapshots", label, "fork"], { name: `${card} ${label}` });
      await refresh();
    }),
};

/** Asks for readers and cards, and shows them. */
async function refresh() {
  const [readers, cards] = await Promise.all([ask("GET", ["readers"]), ask("GET", ["cards"])]);
  showTargets(readers);
  showCards(testCards, cards, act.put);
  showReaders(readers, cards, commands, act);
}

let isRefreshing = false;
let isStale = false;

/** One refresh at a time, and one more for all that happened meanwhile. */
async function refreshSoon() {
  isStale = true;
  if (isRefreshing) {
    return;
  }
  isRefreshing = true;
  while (isStale) {
    isStale = false;
    await attempt(refresh);
  }
  isRefreshing = false;
}

function heard(event) {
  last = event.id ?? last;
  showEvent(event);
  if (SHOWN.includes(event.event)) {
    refreshSoon();
  }
}

async function begin() {
  const described = await ask("GET", ["openapi.json"]);
  commands = described.components.schemas.CommandName.enum;
  testCards = await ask("GET", ["test-cards"]);
  await refresh();
  door.hidden = true;
  main.hidden = false;
  contact.textContent = "connected";
  await follow(last, heard);
}

/** Follows for ever; who hasn't the token is asked for it. */
async function stay() {
  for (;;) {
    try {
      if (token() === null) {
        throw new Refused(401);
      }
      await begin();
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        contact.textContent = "no token";
        door.hidden = false;
        byId("token").focus();
        return;
      }
    }
    contact.textContent = "no contact; trying again …";
    await new Promise((later) => setTimeout(later, PAUSE));
  }
}

door.addEventListener("submit", (event) => {
  event.preventDefault();
  keepToken(byId("token").value.trim());
  stay();
});

stay();
