/** The helper finds what it is there to find. Each page below is run as a test of its own, and its answer is
 * looked at. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const helper = JSON.stringify(new URL("../index.js", import.meta.url).href);

/** Runs a test of this page in a process of its own; what it printed. */
function run(html) {
  const script = `
    import { createServer } from "node:http";
    import { after } from "node:test";
    import { pageTest } from ${helper};
    const html = ${JSON.stringify(`<!doctype html><html lang="en"><title>t</title><main><h1>t</h1>${html}</main></html>`)};
    const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(html));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    after(() => server.close());
    pageTest("page", {}, async ({ page, accessible }) => {
      await page.goto("http://127.0.0.1:" + server.address().port);
      await page.waitForTimeout(200);
      await accessible();
    });`;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const { NODE_TEST_CONTEXT, ...env } = process.env;
  const ran = spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd, env, encoding: "utf8" });
  return { passed: ran.status === 0, text: ran.stdout + ran.stderr };
}

test("a page without troubles passes", () => {
  const ran = run("<p>Good day.</p>");
  assert.ok(ran.passed, ran.text);
});

for (const [trouble, html, said] of [
  ["an error on the console", "<script>console.error('lost')</script>", "console: lost"],
  ["an error that nobody catches", "<script>throw Error('thrown')</script>", "uncaught: Error: thrown"],
  ["an image from elsewhere", "<img alt='' src='http://example.org/a.png'>", "a request to http://example.org/a.png"],
  ["a socket to elsewhere", "<script>new WebSocket('ws://example.org/s')</script>", "a request to ws://example.org/s"],
  ["an image without a text", "<img src='data:,'>", "image-alt"],
]) {
  test(`${trouble} fails the test`, () => {
    const ran = run(html);
    assert.ok(!ran.passed && ran.text.includes(said), ran.text);
  });
}
