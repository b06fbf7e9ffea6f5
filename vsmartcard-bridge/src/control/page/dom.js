/** Makes an element. Properties are set as such, `data` and `aria` as attributes of that kind; what is null,
 * undefined or false among the children isn't there. Text is text: nothing is read as HTML. */
export function element(tag, { data = {}, aria = {}, ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  Object.assign(made.dataset, data);
  Object.entries(aria).forEach(([name, value]) => made.setAttribute(`aria-${name}`, value));
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

/** A button that does something. */
export function button(text, action, properties = {}) {
  const made = element("button", { type: "button", ...properties }, text);
  made.addEventListener("click", action);
  return made;
}

/** The one element of this id. */
export const byId = (id) => document.getElementById(id);

/** 12345 as people write it. */
export const number = (value) => value.toLocaleString("en-US").replaceAll(",", "\u202f");
