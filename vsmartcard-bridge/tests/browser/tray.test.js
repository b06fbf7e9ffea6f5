/** The card tray in a browser, while a PC/SC program uses the same readers. */

import assert from "node:assert/strict";
import { afterEach, beforeEach } from "node:test";

import { pageTest } from "../../../testkit/browser/index.js";
import { PIN, READERS, SELECT, TRIES, startEmulator } from "./emulator.js";

let emulator;
beforeEach(async () => {
  emulator = await startEmulator();
});
afterEach(() => emulator.stop());

async function open(page) {
  await page.goto(emulator.page);
  await page.getByText("connected", { exact: true }).waitFor();
}

const slot = (page, reader) => page.locator("article", { has: page.getByRole("heading", { name: reader }) });
const cardButton = (page, name) => page.locator(`#list button[data-card="${name}"]`);
const isIn = (page, reader, card) => slot(page, reader).locator(".card strong", { hasText: card }).waitFor();
const traced = (page, text) => page.locator("#lines li", { hasText: text });

pageTest("a card that is clicked is in the reader for a program, which the trace shows", {}, async (all) => {
  const { page, accessible, screenshot } = all;
  await open(page);
  assert.ok(!page.url().includes("#"), "the token is out of the address");
  await accessible();
  await cardButton(page, "last-try").click();
  await isIn(page, READERS[0], "last-try");
  await slot(page, READERS[0]).getByText("271828").waitFor();
  await slot(page, READERS[0]).getByText("regtest").waitFor();
  assert.deepEqual(await emulator.send(READERS[0], SELECT, TRIES, PIN), ["9000", "63C1", "9000"]);
  await traced(page, "63C1").waitFor();
  const verify = traced(page, "VERIFY").last();
  await verify.locator("summary").click();
  await verify.getByText("→ 00200080 …").waitFor();
  assert.ok(!(await page.locator("#lines").textContent()).includes("2627"), "the PIN isn't in the trace");
  await accessible();
  await screenshot("card-tray");
  await slot(page, READERS[0]).getByRole("button", { name: "Take out" }).click();
  await slot(page, READERS[0]).getByText("Empty").waitFor();
  assert.deepEqual(await emulator.send(READERS[0], SELECT), []);
});

pageTest("a card is found and put in by keyboard alone", {}, async ({ page, accessible }) => {
  await open(page);
  await page.getByLabel("Into").selectOption(READERS[1]);
  await page.getByLabel("Search").focus();
  await page.keyboard.type("pin block");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await isIn(page, READERS[1], "pin-blocked");
  assert.deepEqual(await emulator.send(READERS[1], SELECT, TRIES), ["9000", "6983"]);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.card), "pin-blocked");
  await page.getByLabel("Search").fill("nothing is called so");
  await page.getByText("No card says that").waitFor();
  await page.getByLabel("Search").fill("");
  await cardButton(page, "empty").click();
  await isIn(page, READERS[1], "empty");
  await accessible();
});

pageTest("a card is dragged onto a reader, and a fault happens to it", { dark: true }, async (all) => {
  const { page, accessible, screenshot } = all;
  await open(page);
  await cardButton(page, "ok").dragTo(slot(page, READERS[1]));
  await isIn(page, READERS[1], "ok");
  const reader = slot(page, READERS[1]);
  await reader.getByText("Faults", { exact: true }).click();
  await reader.getByLabel("Command").selectOption("VERIFY");
  // What is chosen stays when the page shows something new.
  await cardButton(page, "empty").click();
  await isIn(page, READERS[0], "empty");
  await reader.getByLabel("What goes wrong").selectOption("it does it, and 6985 is answered for it");
  await reader.getByRole("button", { name: "Set" }).click();
  await reader.getByText("at the next VERIFY: it does it, and 6985 is answered for it").waitFor();
  await accessible();
  await screenshot("card-tray-faults");
  assert.deepEqual(await emulator.send(READERS[1], SELECT, TRIES, TRIES), ["9000", "6985", "63C3"]);
  await reader.getByText("Faults", { exact: true }).waitFor();
  await traced(page, "at the next VERIFY").waitFor();
});

pageTest("a card that another program holds is nobody else's, and its answers come late", {}, async (all) => {
  const { page, accessible } = all;
  await open(page);
  await cardButton(page, "ok").click();
  const reader = slot(page, READERS[0]);
  await reader.getByRole("button", { name: "Have it held" }).click();
  await reader.getByText("sharing violation").waitFor();
  await traced(page, "held").waitFor();
  assert.deepEqual(await emulator.send(READERS[0], SELECT), []);
  await accessible();
  await reader.getByRole("button", { name: "Have it let go" }).click();
  await reader.getByRole("button", { name: "Have it held" }).waitFor();
  await reader.getByText("Faults", { exact: true }).click();
  for (const late of ["the answer comes 50 to 400 ms late", "the answer comes about 200 ms late"]) {
    await reader.getByLabel("What goes wrong").selectOption(late);
    await reader.getByRole("button", { name: "Set" }).click();
    await reader.getByText(`at the next command: ${late}`).waitFor();
  }
  assert.deepEqual(await emulator.send(READERS[0], SELECT), ["9000"]);
});

pageTest("a memory is saved, restored and forked", {}, async ({ page, accessible }) => {
  await open(page);
  await cardButton(page, "ok").click();
  const reader = slot(page, READERS[0]);
  await reader.getByText("Snapshots", { exact: true }).click();
  await reader.getByLabel("Label").fill("fresh");
  await reader.getByRole("button", { name: "Save" }).click();
  await reader.getByRole("button", { name: "Restore fresh" }).waitFor();
  await accessible();
  const wrong = PIN.replace("26", "26:99").replace(":FF", "");
  assert.deepEqual(await emulator.send(READERS[0], SELECT, wrong, TRIES), ["9000", "63C2", "63C2"]);
  await reader.getByRole("button", { name: "Fork fresh" }).click();
  await cardButton(page, "ok fresh").waitFor();
  await reader.getByRole("button", { name: "Restore fresh" }).click();
  await page.waitForTimeout(200);
  assert.deepEqual(await emulator.send(READERS[0], SELECT, TRIES), ["9000", "63C3"]);
});

pageTest("on a phone nothing is wider than the screen", { width: 360, height: 740 }, async (all) => {
  const { page, accessible, screenshot } = all;
  await open(page);
  await cardButton(page, "ok").click();
  await isIn(page, READERS[0], "ok");
  await emulator.send(READERS[0], SELECT, TRIES);
  await traced(page, "VERIFY").waitFor();
  const [content, screen] = await page.evaluate(() => [document.body.scrollWidth, innerWidth]);
  assert.ok(content <= screen, `${content} > ${screen}`);
  await accessible();
  await screenshot("card-tray-phone");
});

pageTest("without the token the page asks for it", {}, async ({ page, accessible }) => {
  await page.goto(`${emulator.url}/`);
  await page.getByLabel("Token").fill(emulator.token);
  await accessible();
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("connected", { exact: true }).waitFor();
  await page.reload();
  await page.getByText("connected", { exact: true }).waitFor();
});

pageTest("a card moves from one reader to another, and a second one of its kind comes by name", {}, async (all) => {
  const { page } = all;
  await open(page);
  await cardButton(page, "ok").click();
  await isIn(page, READERS[0], "ok");
  await page.getByLabel("Into").selectOption(READERS[1]);
  await cardButton(page, "ok").click();
  await isIn(page, READERS[1], "ok");
  await slot(page, READERS[0]).getByText("Empty").waitFor();
  await page.getByLabel("Into").selectOption(READERS[0]);
  await page.getByLabel("Search").fill("ok#2");
  await page.getByLabel("Search").press("Enter");
  await isIn(page, READERS[0], "ok#2");
  for (const reader of READERS) {
    assert.deepEqual(await emulator.send(reader, SELECT, TRIES), ["9000", "63C3"]);
  }
});

pageTest("a PIN is typed on the page for a program that asks for it", {}, async ({ page, accessible, screenshot }) => {
  await open(page);
  await cardButton(page, "ok").click();
  await isIn(page, READERS[0], "ok");
  for (const [digits, button, status] of [["2718", "Cancel", "6401"], ["271828", "OK", "9000"]]) {
    const asked = emulator.askPin(READERS[0]);
    await slot(page, READERS[0]).getByPlaceholder("a program asks for the PIN").fill(digits);
    await accessible();
    await screenshot("card-tray-pin");
    await slot(page, READERS[0]).getByRole("button", { name: button }).click();
    assert.equal(await asked, status);
    await slot(page, READERS[0]).getByPlaceholder("PIN pad").waitFor();
  }
  assert.ok(!(await page.locator("#lines").textContent()).includes("2718"), "the PIN isn't in the trace");
});

pageTest("what can't be done is said", { allows: /status of 404/ }, async ({ page, accessible }) => {
  await open(page);
  await page.getByLabel("Search").fill("gold");
  await page.getByLabel("Search").press("Enter");
  await page.getByRole("alert").filter({ hasText: "gold" }).waitFor();
  await accessible();
});
