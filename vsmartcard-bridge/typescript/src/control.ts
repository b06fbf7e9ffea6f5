import { EmulatorError } from "./error.js";

/** The emulator's control interface. */
export class Control {
  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  async ask<T>(
    method: string,
    path: readonly string[],
    body?: unknown,
    query: Readonly<Record<string, string | number>> = {},
  ): Promise<T> {
    const address = new URL([this.url, "v1", ...path.map(encodeURIComponent)].join("/"));
    Object.entries(query).forEach(([name, value]) => address.searchParams.set(name, String(value)));
    const headers: Record<string, string> = { Authorization: `Bearer ${this.token}` };
    const request: RequestInit = { method, headers };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    let answer: Response;
    try {
      answer = await fetch(address, request);
    } catch (error) {
      throw new EmulatorError("no-contact", `tillcard-emu can't be reached: ${String(error)}`);
    }
    const text = await answer.text();
    const content = text === "" ? undefined : JSON.parse(text);
    if (!answer.ok) {
      throw new EmulatorError(content?.code ?? String(answer.status), content?.detail ?? answer.statusText);
    }
    return content as T;
  }
}
