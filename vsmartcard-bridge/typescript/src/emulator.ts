import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { Control } from "./control.js";
import { EmulatorError } from "./error.js";
import { RegtestNode } from "./node.js";
import { Reader } from "./reader.js";

const DEFAULT_READER = "Tillcard Emulator 00 00";

/** How an emulator is started; nothing needs to be said. */
export interface EmulatorOptions {
  /** The readers' names, 1 to 127 bytes each. */
  readers?: readonly string[];
  /** Makes the cards; the same number makes the same cards. */
  seed?: number;
  /** A regtest node that gives the cards real coins: `core:http://HOST:PORT?cookie=PATH`; or
   *  "embedded", a new private chain, which needs the program `tillcard`. Without it they are invented. */
  chain?: string;
  /** The path of the program. */
  program?: string;
  /** Whether the readers have PIN pads. */
  pinPad?: boolean;
}

/** A running `tillcard-emu` with readers of its own. */
export class Emulator {
  /** The readers, in the order in which they were named. */
  readonly readers: readonly Reader[];
  /** The first reader. */
  readonly reader: Reader;

  private constructor(
    private readonly child: ChildProcess,
    private readonly control: Control,
    /** The value of PCSCLITE_CSOCK_NAME for programs that are to see the readers. */
    readonly socket: string,
    /** The node on which the cards' coins are; undefined where they are invented. */
    readonly node: RegtestNode | undefined,
    names: readonly string[],
  ) {
    this.readers = names.map((name) => new Reader(control, name));
    this.reader = this.readers[0] ?? new Reader(control, DEFAULT_READER);
  }

  /** Starts the program, and returns when programs can see its readers. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const names = options.readers ?? [DEFAULT_READER];
    const program = options.program ?? process.env["TILLCARD_EMU"] ?? "tillcard-emu";
    const seed = String(options.seed ?? 0);
    const flags = ["--control", "127.0.0.1:0", "--json", "--seed", seed];
    if (options.pinPad) {
      flags.push("--pin-pad");
    }
    if (options.chain !== undefined) {
      flags.push("--chain", options.chain);
    }
    const child = spawn(program, [...flags, ...names.flatMap((name) => ["--reader", name])], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const told = JSON.parse(await firstLine(child, program));
    const control = new Control(told.control.url, told.control.token);
    const source: string | undefined = told.chain ?? options.chain;
    const node = source === undefined ? undefined : new RegtestNode(source);
    return new Emulator(child, control, told.pcsc_socket, node, names);
  }

  /** What the environment of a program has that is to see the readers. */
  get env(): { PCSCLITE_CSOCK_NAME: string } {
    return { PCSCLITE_CSOCK_NAME: this.socket };
  }

  /** The names of the test cards, and what each is. */
  testCards(): Promise<{ name: string; about: string }[]> {
    return this.control.ask("GET", ["test-cards"]);
  }

  /** Throws a card away; the next one of its name is new. */
  async discard(card: string): Promise<void> {
    await this.control.ask("DELETE", ["cards", card]);
  }

  /** Empties all readers and throws all cards away. */
  async discardAll(): Promise<void> {
    for (const { name } of await this.control.ask<{ name: string }[]>("GET", ["cards"])) {
      await this.discard(name);
    }
  }

  /** Ends the emulator. Cards are gone with it. */
  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill();
      await once(this.child, "exit");
    }
  }
}

/** The first line on a program's standard output. */
async function firstLine(child: ChildProcess, program: string): Promise<string> {
  const failed = once(child, "error").then(([error]) => {
    throw new EmulatorError(
      "no-program",
      `${program} can't be started (${error.message}); install tillcard-emu, or set TILLCARD_EMU to its path`,
    );
  });
  const line = (async () => {
    for await (const line of createInterface({ input: child.stdout! })) {
      return line;
    }
    throw new EmulatorError("not-started", "tillcard-emu ended at once; see standard error");
  })();
  failed.catch(() => {});
  return Promise.race([line, failed]);
}
