/** A client of the till's service. Its paths, requests and answers are typed by the till's own description. */

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./till-api.js";

export type Till = Client<paths>;
export type Payment = components["schemas"]["Payment"];
export type Problem = components["schemas"]["Problem"];

/** The till at this address, with a key that `tillcard till key new` gave. */
export function openTill(baseUrl: string, key: string): Till {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
}
