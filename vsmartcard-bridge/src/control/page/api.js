/** The control interface, as the page asks it. */

const KEPT = "tillcard-token";

/** The token from the address, which forgets it at once, or the one that this tab was given before. */
export function token() {
  const given = location.hash.slice(1);
  if (given !== "") {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT);
}

export function keepToken(given) {
  sessionStorage.setItem(KEPT, given);
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function open(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${sessionStorage.getItem(KEPT)}` };
  const answer = await fetch(path, { ...options, headers });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, problem.detail ?? answer.statusText);
  }
  return answer;
}

/** Asks for something: `ask("PUT", ["cards", "ok", "snapshots", "before"])`. */
export async function ask(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await open(["/v1", ...path.map(encodeURIComponent)].join("/"), options);
  return answer.status === 204 ? null : answer.json();
}

/** Follows what happens, from the event of this number on, until the connection ends. `tell` gets each event. */
export async function follow(since, tell) {
  const answer = await open("/v1/events", { headers: { "Last-Event-ID": String(since) } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").find((line) => line.startsWith("data: "));
      if (data !== undefined) {
        tell(JSON.parse(data.slice("data: ".length)));
      }
    }
  }
}
