import { readFileSync } from "node:fs";

import { EmulatorError } from "./error.js";

/** How a node misbehaves; what isn't named is off. */
export interface Switches {
  /** How `sendrawtransaction` is answered; `taken`: the mempool has the payment all the same. */
  refuse?: { code: number; message: string; taken?: boolean };
  /** How many blocks it has heard of and doesn't have yet. */
  behind?: number;
  /** Whether it is starting: error -28 to each call. */
  starting?: boolean;
  /** Whether it says nothing. */
  silent?: boolean;
  /** What its mempool takes: least rate in sat/kvB, length of a chain of payments. */
  mempool?: { fee_rate?: number; chain_limit?: number };
}

/** The regtest node on which the cards' coins are. */
export class RegtestNode {
  /** Its address, for any client of Bitcoin Core. */
  readonly url: string;
  readonly #authorization: string;

  /** `source` is what a till's TILLCARD_CHAIN would be. */
  constructor(readonly source: string) {
    const address = new URL(source.replace(/^core:/, ""));
    const cookie = address.searchParams.get("cookie");
    const credentials =
      cookie === null ? `${address.username}:${address.password}` : readFileSync(cookie, "utf8").trim();
    this.url = `http://${address.host}`;
    this.#authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  }

  /** One call by JSON-RPC. An EmulatorError has the node's error, its number as `code`. */
  async ask<T>(method: string, ...params: unknown[]): Promise<T> {
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: this.#authorization },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    };
    const answer = await fetch(this.url, request).catch((error: unknown) => {
      throw new EmulatorError("no-contact", `the node can't be reached: ${String(error)}`);
    });
    const text = await answer.text();
    const told = text === "" ? { error: { code: 0, message: "refused" } } : JSON.parse(text);
    if (told.error) {
      throw new EmulatorError(String(told.error.code), told.error.message);
    }
    return told.result as T;
  }

  /** Mines blocks, whose rewards are nobody's; their hashes. */
  mine(blocks = 1): Promise<string[]> {
    return this.ask("generatetoaddress", blocks, "bcrt1q29g4z52329g4z52329g4z52329g4z5237w8wct");
  }

  /** Has the last blocks replaced by one more, all empty; the hashes of those that left. Their payments
   *  wait in the mempool again. Only the embedded chain and `tillcard regtest` can do this. */
  async reorganise(depth: number): Promise<string[]> {
    return (await this.ask<{ left: string[] }>("reorganise", depth)).left;
  }

  /** Has the mempool forget a payment, and all that hang on it, which it tells. Only the embedded chain
   *  and `tillcard regtest` can do this. */
  async evict(txid: string): Promise<string[]> {
    return (await this.ask<{ evicted: string[] }>("evict", txid)).evicted;
  }

  /** Has the node misbehave. Only the embedded chain and `tillcard regtest` can do this. */
  async switch(switches: Switches): Promise<void> {
    await this.ask("setswitches", switches);
  }
}
