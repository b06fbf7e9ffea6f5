/** The page that a run writes: read without a script, without the net, on paper too. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";

import { pageTest } from "../../../testkit/browser/index.js";

const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
const target = process.env.CARGO_TARGET_DIR ?? join(cache, "tillcard/target");
const program = join(target, "debug/tillcard-conform");

const folder = mkdtempSync(join(tmpdir(), "conformance-page-"));
after(() => rmSync(folder, { recursive: true }));

/** Runs cases on the reference card; the address of the page that this wrote. */
function reported(name, ...more) {
  const report = join(folder, name);
  const areas = ["FRM", "PIN", "OWN"].flatMap((area) => ["--filter", area]);
  const ran = spawnSync(program, ["run", "--target", "emulator", "--report", report, ...areas, ...more]);
  assert.ok([0, 1].includes(ran.status), `${ran.stderr}`);
  return pathToFileURL(join(report, "report.html")).href;
}

const good = reported("good");
/** The card's ATR isn't the one that its maker declares, and its sample has a name that isn't HTML. */
const bad = reported("bad", "--atr", "3B00", "--sample", "<b onclick='1'>A&7</b>");

pageTest("a good card's report says so first, and axe finds nothing in it", {}, async ({ page, accessible, screenshot }) => {
  await page.goto(good);
  assert.match(await page.locator("h1").innerText(), /nothing found by a part of the catalogue/);
  await screenshot("report");
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  await accessible();
  const figures = await page.locator("figure svg").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
  for (const told of ["median", "power cuts", "share of ones"]) {
    assert.ok(figures.some((words) => words.includes(told)), `no figure with ${told}: ${figures}`);
  }
});

pageTest("what a card did wrong stands above all cases, with what was sent", {}, async ({ page, accessible, screenshot }) => {
  await page.goto(bad);
  assert.match(await page.locator("h1").innerText(), /^<b onclick='1'>A&7<\/b>: does not conform/);
  const finding = page.locator(".findings li", { hasText: "TC-FRM-01" });
  assert.match(await finding.innerText(), /FAIL/);
  await finding.locator("a").click();
  const found = page.locator("#TC-FRM-01");
  await found.evaluate((one) => (one.open = true));
  assert.ok((await found.locator("ol.apdus li").count()) > 0);
  await screenshot("report-failed");
  await accessible();
});

pageTest("nothing is wider than a phone", { width: 390, height: 844 }, async ({ page, accessible, screenshot }) => {
  await page.goto(bad);
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = true)));
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 390, `${width} pixels wide`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((one) => (one.open = false)));
  await screenshot("report-phone");
  await accessible();
});

pageTest("a page on paper has the verdicts, and not every APDU", {}, async ({ page }) => {
  await page.goto(bad);
  const paper = await page.pdf({ path: process.env.SCREENSHOTS && join(process.env.SCREENSHOTS, "report.pdf") });
  assert.ok(paper.length > 10_000);
  await page.emulateMedia({ media: "print" });
  assert.ok(await page.locator(".findings").isVisible());
  const evidence = page.locator("#TC-FRM-01 ol.apdus");
  await page.locator("#TC-FRM-01").evaluate((one) => (one.open = true));
  assert.ok(!(await evidence.isVisible()));
});
