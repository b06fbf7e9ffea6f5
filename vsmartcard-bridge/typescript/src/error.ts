/** The emulator can't do what it was asked. */
export class EmulatorError extends Error {
  /** The error's stable name. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = "EmulatorError";
    this.code = code;
  }
}
