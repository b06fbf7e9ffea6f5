/** Tests of pages in Debian's Chromium.
 *
 *     import { pageTest } from "../../../testkit/browser/index.js";
 *
 *     pageTest("the page shows the readers", { width: 390, dark: true }, async ({ page, accessible }) => {
 *       await page.goto(url);
 *       await accessible();
 *     });
 *
 * A test fails when its page writes an error to the console, throws one that nobody catches, or asks for
 * anything that isn't at 127.0.0.1. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const HERE = "127.0.0.1";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Not even a name is looked up outside.
  `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${HERE}`,
];

/** Web Content Accessibility Guidelines 2.2, levels A and AA. */
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** One browser for all tests of a file. */
let browser;
after(async () => (await browser)?.close());

function start() {
  // Chromium has no sandbox for root, and its own for everybody else.
  const args = process.getuid() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args, chromiumSandbox: process.getuid() !== 0 });
}

/** A test with a page of its own: `width` and `height` of the window in pixels, `dark` for the dark colours,
 * `allows` (an expression) for a trouble that is part of the test, such as /status of 404/.
 * `run` gets the `page` (Playwright's), `accessible()`, which fails when axe finds a breach of WCAG 2.2 AA,
 * and `screenshot(name)`, which makes NAME.png in the folder that SCREENSHOTS names, if it names one. */
export function pageTest(name, { width = 1280, height = 800, dark = false, allows } = {}, run) {
  test(name, async () => {
    browser ??= start();
    const context = await (await browser).newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      reducedMotion: "reduce",
      serviceWorkers: "block",
    });
    try {
      const troubles = watch(context);
      const page = await context.newPage();
      await run({ page, accessible: () => accessible(page), screenshot: (name) => screenshot(page, name) });
      const unexpected = troubles.filter((trouble) => !allows?.test(trouble));
      assert.deepEqual(unexpected, []);
    } finally {
      await context.close();
    }
  });
}

/** What the pages of a context do that none should, as it comes. */
function watch(context) {
  const troubles = [];
  context.on("weberror", (error) => troubles.push(`uncaught: ${error.error()}`));
  context.on("console", (message) => {
    if (message.type() === "error") {
      troubles.push(`console: ${message.text()}`);
    }
  });
  const outside = (address) => {
    const url = new URL(address);
    return /^(http|ws)s?:$/.test(url.protocol) && url.hostname !== HERE;
  };
  const note = (address) => {
    if (outside(address)) {
      troubles.push(`a request to ${address}`);
    }
  };
  context.on("request", (request) => note(request.url()));
  context.on("page", (page) => page.on("websocket", (socket) => note(socket.url())));
  return troubles;
}

async function accessible(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
  const found = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}`));
  assert.deepEqual(found, []);
}

async function screenshot(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) {
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
}
