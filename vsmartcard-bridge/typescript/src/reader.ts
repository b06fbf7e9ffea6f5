import type { Control } from "./control.js";
import { EmulatorError } from "./error.js";
import type { Awaited, Card, Entry, Fault } from "./model.js";

/** One reader of an emulator. */
export class Reader {
  constructor(
    private readonly control: Control,
    /** The name by which PC/SC programs know it. */
    readonly name: string,
  ) {}

  /** Puts a card in, by its name: a test card's, such as "ok", or "ok#2" for another one of that kind, or
   * the path of a scenario that ends with ".toml". When this is done, a program can connect to it. A card
   * that was in before is the same card. */
  insert(card: string): Promise<Card> {
    return this.control.ask("PUT", ["readers", this.name, "card"], { card });
  }

  /** Puts a card in, by its name; one that is in leaves first. */
  choose(card: string): Promise<Card> {
    return this.control.ask("POST", ["readers", this.name, "choose"], { card });
  }

  /** Waits until the reader is as it is awaited, and fails with the code "wait-timeout" when that takes longer
   * than `timeout` milliseconds, at most 60,000. */
  async waitFor({ timeout = 10_000, ...awaited }: Awaited & { timeout?: number }): Promise<void> {
    const query = { ...awaited, timeout };
    const path = ["readers", this.name, "wait"];
    const { came } = await this.control.ask<{ came: boolean }>("GET", path, undefined, query);
    if (!came) {
      throw new EmulatorError("wait-timeout", `${this.name}: not within ${timeout} ms: ${JSON.stringify(awaited)}`);
    }
  }

  /** Types a PIN on the reader's PIN pad, and Enter, for the program that asks for it, or for the next one while
   * the same card is in. The emulator must have been started with `pinPad`. */
  async typePin(digits: string): Promise<void> {
    await this.control.ask("POST", ["readers", this.name, "keys"], { digits, then: "enter" });
  }

  /** Presses a key of the reader's PIN pad. */
  async press(key: "enter" | "clear" | "cancel"): Promise<void> {
    await this.control.ask("POST", ["readers", this.name, "keys"], { then: key });
  }

  /** Has another program hold the card for itself: who connects is told of a sharing violation, until `letGo`, or
   * until the card leaves. */
  async hold(): Promise<void> {
    await this.control.ask("PUT", ["readers", this.name, "holder"]);
  }

  /** The other program lets the card go. */
  async letGo(): Promise<void> {
    await this.control.ask("DELETE", ["readers", this.name, "holder"]);
  }

  /** Takes the card out; its name, or null for an empty reader. */
  async remove(): Promise<string | null> {
    const path = ["readers", this.name, "card"];
    return (await this.control.ask<{ card: string | null }>("DELETE", path)).card;
  }

  /** The name of the card that is in. */
  async card(): Promise<string | null> {
    const readers = await this.control.ask<{ name: string; card: string | null }[]>("GET", ["readers"]);
    return readers.find((reader) => reader.name === this.name)?.card ?? null;
  }

  /** Has something go wrong with the card that is in. */
  async fault(fault: Fault): Promise<void> {
    await this.control.ask("POST", await this.path("faults"), fault);
  }

  /** Takes all faults of the card away. */
  async clearFaults(): Promise<void> {
    await this.control.ask("DELETE", await this.path("faults"));
  }

  /** Has the power fail when the card has done this command, counted from 1 and from now on, and hasn't
   * answered it yet. */
  cutPower(atApdu: number): Promise<void> {
    return this.fault({ number: atApdu, effect: "cut-power-after" });
  }

  /** What was said to the card that is in, and what it answered. PINs and keys are left out. */
  async trace(): Promise<Entry[]> {
    return this.control.ask("GET", await this.path("trace"));
  }

  /** Keeps a copy of the card's memory under a label. */
  async save(label: string): Promise<void> {
    await this.control.ask("PUT", await this.path("snapshots", label));
  }

  /** Makes a card of this name with the memory that was saved; both go their own ways from there. Put it in by
   * its name. */
  async fork(label: string, name: string): Promise<Card> {
    return this.control.ask("POST", await this.path("snapshots", label, "fork"), { name });
  }

  /** Makes the card's memory what it was when it was saved; its session is over. */
  async restore(label: string): Promise<void> {
    await this.control.ask("POST", await this.path("snapshots", label, "restore"));
  }

  private async path(...rest: readonly string[]): Promise<string[]> {
    const card = await this.card();
    if (card === null) {
      throw new EmulatorError("no-such-card", `there is no card in ${this.name}`);
    }
    return ["cards", card, ...rest];
  }
}
