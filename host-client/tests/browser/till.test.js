/** The clerk's page, with the real service and the emulator's cards: what the clerk reads, from the amount to
 * the receipt. */

import assert from "node:assert/strict";
import { after } from "node:test";

import { pageTest } from "../../../testkit/browser/index.js";
import { PIN, openTill } from "./till.js";

const PHONE = { width: 390, height: 844 };
const READER = "Test reader 1";

const till = await openTill();
after(() => till.close());

/** Opens the page with the key, and asks for a payment. */
async function ask(page, amount) {
  await page.goto(till.url);
  await page.getByLabel("API key").fill(till.key);
  await page.getByRole("button", { name: "Open the till" }).click();
  await page.getByLabel("Amount in sat").fill(amount);
  await page.getByLabel(READER).check();
  await page.getByRole("button", { name: "Take payment" }).click();
}

const state = (page, words) => page.locator("#paying-state", { hasText: words }).waitFor();

async function typePin(page, pin) {
  await page.getByLabel("PIN of the customer").fill(pin);
  await page.getByRole("button", { name: "Enter PIN" }).click();
}

pageTest("paid, after a wrong PIN, with the finger", PHONE, async ({ page, accessible, screenshot }) => {
  await till.remove(READER);
  await page.goto(till.url);
  await page.getByRole("heading", { name: "Who takes the payments?" }).waitFor();
  await accessible();
  await ask(page, "21,000");
  await state(page, "Ask the customer to put the card in.");
  await accessible();
  await screenshot("till-card");
  await till.present(READER, "ok");
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, "999999");
  await page.getByText("(2 tries left)").waitFor();
  for (const digit of PIN) await page.getByRole("button", { name: digit, exact: true }).click();
  await accessible();
  await screenshot("till-pin");
  await page.getByRole("button", { name: "Enter PIN" }).click();
  await state(page, "Paid, and waiting for a block.");
  till.mine();
  await state(page, "Paid. The shop has its money.");
  await accessible();
  await screenshot("till-paid");
  await page.evaluate(() => (window.print = () => (window.printed = true)));
  await page.getByRole("button", { name: "Print receipt" }).click();
  assert.equal(await page.evaluate(() => window.printed), true);
  await page.emulateMedia({ media: "print" });
  await page.locator("#receipt").getByText("21,000 sat").waitFor();
  await page.emulateMedia({ media: "screen" });
  await page.getByRole("button", { name: "Next customer" }).click();
  await page.getByRole("button", { name: /21,000 sat.*paid/ }).waitFor();
});

pageTest("a refund is asked for, and waits for the back office", PHONE, async ({ page, accessible, screenshot }) => {
  await till.remove(READER);
  await ask(page, "9000");
  await state(page, "Ask the customer to put the card in.");
  await till.present(READER, "ok");
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, PIN);
  await state(page, "Paid, and waiting for a block.");
  till.mine();
  await state(page, "Paid. The shop has its money.");
  await page.getByText("Refund", { exact: true }).click();
  await page.getByLabel("The customer's address").fill(till.nobody);
  await page.getByLabel("How much in sat").fill("4,000");
  await page.getByRole("button", { name: "Ask the back office to pay it back" }).click();
  await page.getByText("waits for the back office, which signs it.").waitFor();
  await accessible();
  await screenshot("till-refund");
  await page.getByRole("button", { name: "Cancel refund" }).click();
  await page.getByText("Nothing has gone back by it.").waitFor();
});

pageTest("declined, by keyboard, in the dark", { dark: true }, async ({ page, accessible, screenshot }) => {
  await till.present(READER, "insufficient");
  await ask(page, "21000");
  await state(page, "Ask the customer to type the PIN.");
  // The field has the focus.
  await page.keyboard.type(PIN);
  await page.keyboard.press("Enter");
  await state(page, "Declined. Nothing was debited.");
  await page.getByText("there isn't enough money on the card").first().waitFor();
  await accessible();
  await screenshot("till-declined");
});

pageTest("a card that can't be used is named", PHONE, async ({ page, accessible }) => {
  await till.present(READER, "mute");
  await ask(page, "21000");
  await page.getByText("doesn't answer").first().waitFor();
  await accessible();
  await page.getByRole("button", { name: "Cancel payment" }).click();
  await state(page, "Cancelled. Nothing was debited.");
});

pageTest("money in doubt, until the same card is asked again", PHONE, async ({ page, accessible, screenshot }) => {
  await till.present(READER, "removed-mid-payment");
  await ask(page, "21000");
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, PIN);
  await state(page, "don't take a second payment");
  await accessible();
  await screenshot("till-in-doubt");
  await till.present(READER, "removed-mid-payment");
  await state(page, "Paid, and waiting for a block.");
  till.mine();
  await state(page, "Paid. The shop has its money.");
});

pageTest("torn before the debit: the card proves that it hadn't paid", PHONE, async ({ page }) => {
  await till.present(READER, "torn-before-debit");
  await ask(page, "21000");
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, PIN);
  // The card is in the reader still, and is asked at once.
  await till.until(({ history, pin }) => pin && history.some(({ state }) => state === "unknown"));
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, PIN);
  await state(page, "Paid, and waiting for a block.");
  till.mine();
  await state(page, "Paid. The shop has its money.");
});

pageTest("paid from a wallet, and late", PHONE, async ({ page, accessible, screenshot }) => {
  await till.remove(READER);
  await ask(page, "21000");
  await state(page, "Ask the customer to put the card in.");
  await page.getByText("No card? Pay from a wallet").click();
  await page.locator("#qr svg").waitFor();
  const uri = await page.locator("#uri").textContent();
  assert.match(uri, /^bitcoin:bcrt1p[0-9a-z]+\?amount=0\.00021$/);
  await accessible();
  await screenshot("till-wallet");
  await page.getByRole("button", { name: "Cancel payment" }).click();
  await state(page, "Cancelled. Nothing was debited.");
  till.mineTo(uri.split(/[:?]/)[1]);
  await page.locator("#by-address", { hasText: "after the payment was given up" }).waitFor();
  await page.getByRole("alert", { name: "Alarm" }).waitFor();
  await accessible();
  await screenshot("till-late");
  await page.getByRole("button", { name: "Seen" }).click();
  await page.locator("#alarms").waitFor({ state: "hidden" });
});

pageTest("conflicted: the customer takes the payment back", PHONE, async ({ page, accessible, screenshot }) => {
  const holder = await till.holder(READER);
  await ask(page, "21000");
  await state(page, "Ask the customer to type the PIN.");
  await typePin(page, PIN);
  await state(page, "Paid, and waiting for a block.");
  // What came late before.
  await page.getByRole("button", { name: "Seen" }).click();
  holder.takesBack();
  await state(page, "In doubt. The network doesn't have it");
  await page.locator("#alarms", { hasText: "spends the payment's coins another way" }).waitFor();
  await accessible();
  till.mine();
  await state(page, "Not paid: the money went another way");
  await accessible();
  await screenshot("till-conflicted");
});
