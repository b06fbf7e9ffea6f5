/** A till's service with test cards, on a chain of its own. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The PIN of all test cards. */
export const PIN = "271828";

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
const target = process.env.CARGO_TARGET_DIR ?? join(cache, "tillcard/target");
const program = join(target, "debug/tillcard");
/** Whom blocks pay that nobody waits for. */
const NOBODY = "bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct";
/** The shop's, of public keys only. */
const DESCRIPTOR =
  "tr(tpubD6NzVbkrYhZ4XHndKkuB8FifXm8r5FQHwrN6oZuWCz13qb93rtgKvD4PQsqC4HP4yhV3tA2fqr2RbY5mNXfM7RxXUoeABoDtsFUq2zJq6YK/0/*)";

const SERVE = ["till", "serve", "--listen", "127.0.0.1:0", "--json", "--test-cards", "--descriptor", DESCRIPTOR];

/** Starts a program; its first line of output. */
function started(children, env, ...args) {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.once("line", resolve);
    child.once("exit", () => reject(new Error(`${args.join(" ")} has ended`)));
  });
}

export async function openTill() {
  const folder = mkdtempSync(join(tmpdir(), "till-page-"));
  const children = [];
  const env = { ...process.env, XDG_DATA_HOME: folder };
  const run = (...args) => runAs(env, "", ...args);
  const runAs = (env, input, ...args) => {
    const ran = spawnSync(program, args, { env, input, encoding: "utf8" });
    if (ran.status !== 0) throw new Error(ran.stderr);
    return ran.stdout.trim();
  };
  const told = await started(children, env, "regtest", "--port", "0", "--folder", join(folder, "chain"));
  env.TILLCARD_CHAIN = told.replace("--chain ", "");
  const key = run("till", "key", "new", "page", "--scope", "read,take,refund,manage");
  const listening = await started(children, env, ...SERVE);
  const { url } = JSON.parse(listening);
  const test = async (reader, what, body) => {
    const path = `${url}/v1/test/readers/${encodeURIComponent(reader)}/${what}`;
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    url,
    key,
    nobody: NOBODY,
    present: (reader, card) => test(reader, "present", { card }),
    /** Waits until the latest payment is so. */
    until: async (isSo) => {
      for (;;) {
        const answer = await fetch(`${url}/v1/payments?limit=1`, { headers: { Authorization: `Bearer ${key}` } });
        if (isSo((await answer.json()).payments[0])) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    remove: (reader) => test(reader, "remove", {}),
    /** A block that pays this address: a wallet's payment without a wallet. */
    mineTo: (address) => run("mine", "--to", address),
    /** A customer who has issued the card in this reader to himself, and can take back what it has paid. */
    holder: async (reader) => {
      const service = children.at(-1).pid;
      const socket = readFileSync(`/proc/${service}/environ`, "utf8").match(/PCSCLITE_CSOCK_NAME=([^\0]*)/)[1];
      const home = { ...env, XDG_DATA_HOME: join(folder, "holder"), PCSCLITE_CSOCK_NAME: socket };
      const owner = (input, ...args) => runAs(home, input, "owner", ...args);
      const address = owner("", "new").split("\n").at(-1);
      run("mine", "--blocks", "101", "--to", address);
      await test(reader, "present", { card: "not-issued" });
      owner(`${PIN}\n${PIN}\n`, "issue");
      owner("", "topup", "--unconfirmed", "--amount", "100,000 sat");
      run("mine", "--to", NOBODY);
      return { takesBack: () => owner("", "block", "--replace-unconfirmed", "--fee-rate", "40") };
    },
    mine: () => run("mine", "--to", NOBODY),
    close: async () => {
      for (const child of children.reverse()) {
        child.removeAllListeners("exit");
        child.kill();
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
