/** The emulator as a program, and opensc-tool as the program under test. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export const READERS = ["Counter 1", "Counter 2"];
export const SELECT = "00:A4:04:00:09:F0:54:49:4C:4C:43:41:52:44:00";
export const TRIES = "00:20:00:80";
export const PIN = "00:20:00:80:08:26:27:18:28:FF:FF:FF:FF";

/** An emulator with two readers: where its page is, and what a PC/SC program sees there. */
export async function startEmulator() {
  const program = join(process.env.TILLCARD_BIN_DIR ?? "", "tillcard-emu");
  const readers = READERS.flatMap((name) => ["--reader", name]);
  const child = spawn(program, ["--control", "127.0.0.1:0", "--json", "--pin-pad", ...readers], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line");
  const told = JSON.parse(line);
  const env = { ...process.env, PCSCLITE_CSOCK_NAME: told.pcsc_socket };
  return {
    page: told.control.page,
    url: told.control.url,
    token: told.control.token,
    /** The status words of the answers to these commands, by opensc-tool. */
    async send(reader, ...commands) {
      const apdus = commands.flatMap((command) => ["--send-apdu", command]);
      const options = ["--reader", String(READERS.indexOf(reader)), "--card-driver", "default", ...apdus];
      const done = await promisify(execFile)("opensc-tool", options, { env }).catch((failed) => failed);
      const words = [...String(done.stdout).matchAll(/SW1=0x(..), SW2=0x(..)/g)];
      return words.map(([, sw1, sw2]) => `${sw1}${sw2}`);
    },
    /** What the reader answers to a program that has the holder type the PIN on the reader's keys. */
    async askPin(reader) {
      const script = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "ask_pin.py");
      const done = await promisify(execFile)("/usr/bin/python3", [script, reader], { env });
      return done.stdout.trim();
    },
    async stop() {
      child.kill();
      await once(child, "exit");
    },
  };
}
