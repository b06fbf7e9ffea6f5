// What a shop's program must say, card by card. Here it is `tillcard till pay`; yours takes its place.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { after, test } from "node:test";
import { Emulator } from "tillcard-emu";

const address = "bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct";
const till = ["till", "pay", "--amount", "21000", "--confirmations", "0", "--to", address];
const cards = {
  ok: "settled", pinless: "settled", "last-try": "settled", slow: "settled",
  "torn-after-debit": "settled", "refuses-after-debit": "settled",
  "pin-blocked": "declined[pin-blocked]", insufficient: "declined[card-insufficient-funds]",
  "over-limit": "declined[amount-over-limit]", swept: "declined[coin-spent]",
  counterfeit: "declined[certificate-forged]", "not-issued": "declined[card-not-issued]",
};
const emulator = await Emulator.start({ chain: "embedded" });
after(() => emulator.close());

for (const [card, told] of Object.entries(cards)) test(`${card}: ${told}`, async () => {
  const { pin } = await emulator.reader.insert(card);
  const chain = { TILLCARD_CHAIN: emulator.node.source, XDG_DATA_HOME: mkdtempSync("/tmp/till-") };
  const env = { ...process.env, ...emulator.env, ...chain };
  const said = spawnSync("tillcard", till, { env, input: `${pin}\n`, encoding: "utf8" }).stdout;
  await emulator.reader.remove();
  assert.ok(said.trim().split("\n").at(-1).startsWith(told), said);
});
