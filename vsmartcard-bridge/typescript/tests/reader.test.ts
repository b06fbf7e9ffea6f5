/** The package as a project that uses it has it; opensc-tool is the software under test. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, beforeEach, test } from "node:test";
import { promisify } from "node:util";

import { Emulator, EmulatorError } from "tillcard-emu";

const SELECT = "00:A4:04:00:09:F0:54:49:4C:4C:43:41:52:44:00";
const TRIES = "00:20:00:80";

let emulator: Emulator;
before(async () => {
  emulator = await Emulator.start();
});
beforeEach(() => emulator.discardAll());
after(() => emulator.close());

/** The status words of the answers to these commands, or what opensc-tool says in their place. */
async function send(...commands: string[]): Promise<string[]> {
  const send = commands.flatMap((command) => ["--send-apdu", command]);
  const env = { ...process.env, ...emulator.env };
  const done = await promisify(execFile)("opensc-tool", ["--card-driver", "default", ...send], { env }).catch(
    (failed) => failed,
  );
  const words = [...String(done.stdout).matchAll(/SW1=0x(..), SW2=0x(..)/g)];
  return words.map(([, sw1, sw2]) => `${sw1}${sw2}`);
}

for (const [card, status] of [["ok", "63C3"], ["last-try", "63C1"], ["pin-blocked", "6983"]] as const) {
  test(`${card} is what its name says`, async () => {
    assert.equal((await emulator.reader.insert(card)).pin, "271828");
    assert.deepEqual(await send(SELECT, TRIES), ["9000", status]);
  });
}

test("an answer is replaced once, and the trace says so", async () => {
  await emulator.reader.insert("ok");
  await emulator.reader.fault({ command: "VERIFY", number: 1, effect: { answer: "6F00" } });
  assert.deepEqual(await send(SELECT, TRIES, TRIES), ["9000", "6F00", "63C3"]);
  const verified = (await emulator.reader.trace()).filter((entry) => entry.name === "VERIFY");
  assert.deepEqual(verified.map((entry) => entry.status), ["6F00", "63C3"]);
});

test("the power is cut at the command that was named", async () => {
  await emulator.reader.insert("ok");
  await emulator.reader.fault({ command: "VERIFY", number: 1, effect: "cut-power-after" });
  assert.deepEqual(await send(SELECT, TRIES), ["9000"]);
  assert.deepEqual(await send(SELECT, TRIES), ["9000", "63C3"]);
});

test("who waits for a command goes on when the card got it", async () => {
  await emulator.reader.insert("empty");
  await emulator.reader.choose("ok");
  const waited = emulator.reader.waitFor({ command: "VERIFY", commands: 2 });
  assert.deepEqual(await send(SELECT, TRIES, TRIES), ["9000", "63C3", "63C3"]);
  await waited;
  await emulator.reader.remove();
  await emulator.reader.waitFor({ state: "empty" });
  const late = emulator.reader.waitFor({ state: "card", timeout: 1 });
  await assert.rejects(late, (error) => error instanceof EmulatorError && error.code === "wait-timeout");
});

test("a memory is saved and restored", async () => {
  await emulator.reader.insert("ok");
  await emulator.reader.save("before");
  await send(SELECT, "00:20:00:80:08:24:99:99:FF:FF:FF:FF:FF");
  assert.deepEqual(await send(SELECT, TRIES), ["9000", "63C2"]);
  await emulator.reader.fork("before", "twin");
  await emulator.reader.restore("before");
  assert.deepEqual(await send(SELECT, TRIES), ["9000", "63C3"]);
  assert.equal(await emulator.reader.remove(), "ok");
  assert.equal(await emulator.reader.card(), null);
  await emulator.reader.insert("twin");
  assert.deepEqual(await send(SELECT, TRIES), ["9000", "63C3"]);
});

test("what is not there is told by its code", async () => {
  const code = (code: string) => (error: unknown) => error instanceof EmulatorError && error.code === code;
  await assert.rejects(emulator.reader.insert("gold"), code("no-such-test-card"));
  await assert.rejects(emulator.reader.save("x"), code("no-such-card"));
  await assert.rejects(Emulator.start({ program: "/no/such/program" }), code("no-program"));
});
