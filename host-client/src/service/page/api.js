// The till's API, for the page: requests, and the stream of events.

const STORED = "tillcard-key";

/** What the till refused, in its words. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title ?? "the till doesn't answer");
    this.status = problem.status ?? 0;
    this.code = problem.code ?? "unavailable";
  }
}

export const key = {
  get: () => sessionStorage.getItem(STORED),
  set: (value) => sessionStorage.setItem(STORED, value),
  forget: () => sessionStorage.removeItem(STORED),
};

function headers(more = {}) {
  return { Authorization: `Bearer ${key.get() ?? ""}`, ...more };
}

/** The text of an answer, such as an image. */
export async function text(path) {
  const response = await fetch(path, { headers: headers(), cache: "no-store" });
  if (!response.ok) throw new Refusal({ status: response.status });
  return response.text();
}

async function answer(response) {
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const body = isJson ? await response.json() : null;
  if (!response.ok) throw new Refusal(body ?? { status: response.status });
  return body;
}

export async function get(path) {
  return answer(await fetch(path, { headers: headers(), cache: "no-store" }));
}

export async function post(path, body, more = {}) {
  const all = headers({ "Content-Type": "application/json", ...more });
  return answer(await fetch(path, { method: "POST", headers: all, body: JSON.stringify(body) }));
}

/** Hears events until the page is left; `onEvent` gets (kind, data), `onState` whether they come. */
export async function listen(onEvent, onState) {
  let last = null;
  for (;;) {
    try {
      const more = last === null ? {} : { "Last-Event-ID": last };
      const response = await fetch("/v1/events", { headers: headers(more), cache: "no-store" });
      if (!response.ok) throw new Refusal({ status: response.status });
      onState(true);
      for await (const event of events(response.body)) {
        last = event.id ?? last;
        if (event.data) onEvent(event.event, JSON.parse(event.data));
      }
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) throw error;
    }
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function* events(body) {
  let rest = "";
  const decoder = new TextDecoderStream();
  for await (const text of body.pipeThrough(decoder)) {
    rest += text;
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const event = {};
      for (const line of rest.slice(0, end).split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 2);
      }
      rest = rest.slice(end + 2);
      yield event;
    }
  }
}
