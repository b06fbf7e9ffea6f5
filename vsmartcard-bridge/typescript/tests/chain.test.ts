/** The private chain that the emulator brings along, with the program `tillcard`. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Emulator, type RegtestNode } from "tillcard-emu";

let emulator: Emulator;
let node: RegtestNode;
before(async () => {
  emulator = await Emulator.start({ chain: "embedded" });
  assert.ok(emulator.node);
  node = emulator.node;
});
after(() => emulator.close());

test("a payment on it is mined, leaves the chain, and is forgotten", async () => {
  const [payment] = (await emulator.reader.insert("phantom-change")).payments;
  await node.switch({ refuse: { code: -26, message: "mempool full" } });
  await assert.rejects(node.ask("sendrawtransaction", payment), { code: "-26", message: /mempool full/ });
  await node.switch({});
  const txid = await node.ask<string>("sendrawtransaction", payment);
  const mined = await node.mine(2);
  assert.deepEqual(await node.reorganise(2), mined);
  assert.deepEqual(await node.ask("getrawmempool"), [txid]);
  assert.deepEqual(await node.evict(txid), [txid]);
});
