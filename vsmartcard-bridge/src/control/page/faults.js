/** What goes wrong with a card: a sentence to be completed, and what is set. */

import { button, element } from "./dom.js";

/** What can be chosen, and what the interface calls it. */
const EFFECTS = [
  ["it is pulled out before", "leave-before"],
  ["it does it, and is pulled out before the answer", "leave-after"],
  ["the power fails before", "cut-power-before"],
  ["it does it, and the power fails before the answer", "cut-power-after"],
  ["it gives no answer", "mute"],
  ["it does it, and gives no answer", "mute-after"],
  ["it does it, and 6985 is answered for it", { answer: "6985" }],
  ["it is refused with 6F00", { refuse: "6F00" }],
  ["one bit of the answer is another", "flip-bit"],
  ["the answer's last 3 bytes are missing", { truncate: 3 }],
  ["random bytes are answered", "garbage"],
  ["it gets it twice", "repeat"],
  ["it is reset before", "reset"],
  ["the answer comes 2 s late", { "delay-ms": 2000 }],
  ["the answer comes 50 to 400 ms late", { delay: { uniform: { "from-ms": 50, "to-ms": 400 } } }],
  ["the answer comes about 200 ms late", { delay: { normal: { "mean-ms": 200, "deviation-ms": 60 } } }],
];

const said = (effect) =>
  EFFECTS.find(([, value]) => JSON.stringify(value) === JSON.stringify(effect))?.[0] ?? JSON.stringify(effect);

/** "at the 2nd PAY: …" */
export function faultText({ command = "command", number, effect }) {
  const when = number === undefined ? "at each" : number === 1 ? "at the next" : `at the ${number}.`;
  return `${when} ${command}: ${said(effect)}`;
}

const select = (label, options) =>
  element("select", { aria: { label } }, ...options.map(([text, value]) => element("option", { value }, text)));

/** The switches of a card; `set(fault)` and `clear()` do it. */
export function faultSwitches(card, commands, { set, clear }) {
  const when = select("When", [["At the next", "1"], ["At the 2nd", "2"], ["At the 3rd", "3"], ["At each", ""]]);
  const command = select("Command", [["command", ""], ...commands.map((name) => [name, name])]);
  const effect = select("What goes wrong", EFFECTS.map(([text], at) => [text, String(at)]));
  const form = element("form", { className: "line" }, when, command, effect, element("button", {}, "Set"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fault = { effect: EFFECTS[Number(effect.value)][1] };
    if (when.value !== "") {
      fault.number = Number(when.value);
    }
    if (command.value !== "") {
      fault.command = command.value;
    }
    set(fault);
  });
  const armed = card.faults.map((fault) => element("li", {}, faultText(fault)));
  return element(
    "details",
    { data: { part: "faults" } },
    element("summary", {}, card.faults.length ? `Faults: ${card.faults.length} set` : "Faults"),
    form,
    armed.length > 0 && element("ul", {}, ...armed),
    armed.length > 0 && button("Clear all", clear),
  );
}
