/** What a test may know of a card. */
export interface Card {
  readonly name: string;
  readonly about: string;
  /** The holder's PIN; null where the card has none. */
  readonly pin: string | null;
  /** Null where the card is nobody's. */
  readonly account: {
    readonly network: "regtest" | "signet" | "testnet";
    readonly card_id: string;
    readonly descriptor: string;
    readonly addresses: readonly string[];
  } | null;
  readonly coins: readonly Coin[];
  /** Payments that were made before, and that no shop has sent: hexadecimal transactions. */
  readonly payments: readonly string[];
  /** The list by which its manufacturer took its certificate back (PEM), where he did. */
  readonly revocation_list: string | null;
}

/** A coin on a card; the amount in sat, the transaction in hexadecimal digits. */
export interface Coin {
  readonly outpoint: string;
  readonly amount: number;
  readonly index: number;
  readonly transaction: string;
}

/** What happens in the place of a command; bytes in hexadecimal digits. */
export type Effect =
  | "leave-before"
  | "leave-after"
  | "cut-power-before"
  | "cut-power-after"
  | { "cut-power-at-byte": number }
  | "reset"
  | "mute"
  | "mute-after"
  | { answer: string }
  | { refuse: string }
  | { truncate: number }
  | { overwrite: { at: number; with: string } }
  | "flip-bit"
  | "garbage"
  | "repeat"
  | { "delay-ms": number }
  | { delay: { uniform: { "from-ms": number; "to-ms": number } } }
  | { delay: { normal: { "mean-ms": number; "deviation-ms": number } } };

/** Something that goes wrong: at a command, by its name in the protocol, or at any; at the how-manieth, or
 * each time. */
export interface Fault {
  readonly command?: string;
  readonly number?: number;
  readonly effect: Effect;
}

/** What a test waits for at a reader; all of what is named. */
export interface Awaited {
  readonly state?: "empty" | "card" | "powered" | "pin-asked";
  /** Commands since the card was put in, answered or given up. */
  readonly commands?: number;
  /** Of the commands, only those of this name count; one, where no number is named. */
  readonly command?: string;
}

/** A line of a trace. */
export interface Entry {
  readonly at_us: number;
  readonly event: "power-on" | "power-off" | "warm-reset" | "fault" | "command";
  /** What went wrong with the command that follows. */
  readonly fault?: Fault;
  readonly name?: string;
  readonly command?: string;
  /** Whether the data field was left out, since it holds a PIN or a key. */
  readonly redacted?: boolean;
  readonly answer?: string;
  readonly status?: string;
  readonly meaning?: string;
  readonly took_us?: number;
}
