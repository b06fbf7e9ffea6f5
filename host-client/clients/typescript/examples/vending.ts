/** A vending machine: takes a payment at its reader, and says whether to give the goods. */

import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

import { openTill } from "../src/index.js";

const [order, reader] = process.argv.slice(2);
const keypad = createInterface(process.stdin)[Symbol.asyncIterator]();
const till = openTill(process.env.TILLCARD_URL!, process.env.TILLCARD_KEY!);
let { data: payment, error } = await till.POST("/v1/payments", {
  params: { header: { "Idempotency-Key": order! } },
  body: { amount_sat: 21_000, reader: reader!, reference: "tray 7", expires_in_s: 60, confirmations: 0 },
});
while (payment && ["created", "waiting_for_card", "waiting_for_pin", "signing"].includes(payment.state)) {
  const path = { payment: payment.id };
  if (payment.pin) await till.POST("/v1/payments/{payment}/pin", { params: { path }, body: { pin: (await keypad.next()).value } });
  await setTimeout(500);
  ({ data: payment, error } = await till.GET("/v1/payments/{payment}", { params: { path } }));
}
await keypad.return?.();
const isPaid = payment && ["broadcast", "confirmed", "settled"].includes(payment.state);
console.log(isPaid ? "tray 7 opens" : (error?.detail ?? `${payment?.state}: ${payment?.step}`));
process.exitCode = isPaid ? 0 : 1;
