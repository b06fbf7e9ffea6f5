/** The live trace: a line for each thing that happens, the newest last. */

import { byId, element } from "./dom.js";
import { faultText } from "./faults.js";

/** The most lines that are shown. */
const LINES_MAX = 500;

const lines = byId("lines");
const WORDS = {
  "reader-added": "reader added",
  inserted: "card in",
  removed: "card out",
  "pin-asked": "PIN asked",
  "pin-done": "PIN pad done",
  held: "held",
  "let-go": "let go",
  "power-on": "power on",
  "power-off": "power off",
  "warm-reset": "reset",
};

/** Shows an event, if it is one for the trace. */
export function showEvent(event) {
  const made = line(event);
  if (made === null) {
    return;
  }
  const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
  lines.append(made);
  if (lines.children.length > LINES_MAX) {
    lines.firstElementChild.remove();
  }
  byId("quiet").hidden = true;
  if (atEnd) {
    lines.scrollTop = lines.scrollHeight;
  }
}

byId("clear").addEventListener("click", () => {
  lines.replaceChildren();
  byId("quiet").hidden = false;
});

function line(event) {
  switch (event.event) {
    case "command":
      return command(event);
    case "fault":
      return row(event, "fault", "fault", faultText(event.fault));
    case "lost":
      return row(event, "fault", "lost", `${event.events} events, since this page didn’t take them`);
    default:
      return event.event in WORDS ? row(event, "place", WORDS[event.event], event.reader ?? "") : null;
  }
}

function row(event, kind, name, text) {
  const time = event.at_us === undefined ? "" : (event.at_us / 1e6).toFixed(3);
  return element(
    "li",
    { data: { kind } },
    element("time", {}, time),
    element("b", {}, name),
    element("span", { className: "who" }, event.card ?? ""),
    element("span", { className: "what" }, text),
  );
}

/** How a status word is shown: all is well, something is to be known, or it failed. */
function kind({ status }) {
  if (status === undefined) {
    return "none";
  }
  return /^(9000|61|63C)/.test(status) ? "done" : "refused";
}

function command(event) {
  const status = event.status ?? "no answer";
  const made = row(event, "command", event.name ?? event.command.slice(0, 8), event.meaning ?? "");
  made.children[1].after(element("code", { data: { status: kind(event) } }, status));
  const bytes = element(
    "details",
    {},
    element("summary", { aria: { label: `Bytes of ${event.name ?? "the command"}` } }, `${event.took_us} µs`),
    element("code", {}, `→ ${event.command}${event.redacted ? " …" : ""}`),
    element("code", {}, `← ${event.answer ?? "nothing"}`),
  );
  made.append(bytes);
  return made;
}
