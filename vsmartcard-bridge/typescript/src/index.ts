/**
 * Test cards in PC/SC readers, without pcscd and without root.
 *
 * ```ts
 * import { Emulator } from "tillcard-emu";
 *
 * const emulator = await Emulator.start();
 * const card = await emulator.reader.insert("insufficient");
 * spawn("my-till", ["--amount", "21000"], { env: { ...process.env, ...emulator.env } });
 * await emulator.close();
 * ```
 *
 * The program `tillcard-emu` must be installed: it is looked for at the path in TILLCARD_EMU, then in
 * PATH.
 */

export { Emulator, type EmulatorOptions } from "./emulator.js";
export { EmulatorError } from "./error.js";
export type { Awaited, Card, Coin, Effect, Entry, Fault } from "./model.js";
export { RegtestNode, type Switches } from "./node.js";
export { Reader } from "./reader.js";
