// How requests go out and answers come in: keys, repeats, limits of time, problems. Nothing here is about a
// certain route; src/api.ts is.
import type { Problem, ProblemCode } from "./api.js";

/** What a client is made with. */
export interface SoukOptions {
  /** Where the shop is, such as "https://shop.example.org". */
  url: string;
  /** A key, `sk_...` or `pk_...`; a shop front may go without. */
  key?: string;
  /** How long one attempt may take, in milliseconds. Of a stream: until it begins. */
  timeoutMs?: number;
  /** How often a request that is safe to repeat is sent, the first time included. */
  attempts?: number;
  /** How long a call may take with all its attempts and pauses, in milliseconds. */
  totalMs?: number;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

/** What any call takes. */
export interface CallOptions {
  /** Ends the call; it then throws the signal's reason. Whether the shop has done it is not known. */
  signal?: AbortSignal;
  /** Instead of the client's. */
  timeoutMs?: number;
  /** Instead of the client's. */
  attempts?: number;
}

/** A good answer. */
export interface Answer<Data> {
  status: number;
  data: Data;
  /** For If-None-Match. */
  etag?: string;
  /** What the shop's log calls the request. */
  requestId?: string;
  /** It is the first answer to this Idempotency-Key, given again. */
  replayed: boolean;
}

/** It is still what `ifNoneMatch` names. */
export interface NotModified {
  status: 304;
  data?: undefined;
  etag?: string;
}

/** The shop said no, and why. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}${problem.detail ? `: ${problem.detail}` : ""}`);
    this.name = "ProblemError";
    this.problem = problem;
  }
  /** What to decide by. */
  get code(): ProblemCode | (string & { readonly later?: never }) {
    return this.problem.code;
  }
  get status(): number {
    return this.problem.status;
  }
}

/** No answer came, in time or at all: of what changes something it is not known whether it was done. */
export class NoAnswerError extends Error {
  /** A call with the same key finds out; none: the call had no key. */
  readonly idempotencyKey?: string;
  constructor(text: string, cause: unknown, idempotencyKey?: string) {
    super(text);
    this.name = "NoAnswerError";
    (this as { cause?: unknown }).cause = cause;
    if (idempotencyKey !== undefined) this.idempotencyKey = idempotencyKey;
  }
}

/** One operation's request; of use to src/api.ts alone. */
export interface Plan {
  method: string;
  path: string;
  answer: "json" | "text" | "stream" | "none";
  /** Takes an Idempotency-Key. */
  keyed?: boolean;
  query?: { [name: string]: unknown };
  body?: unknown;
  file?: BodyInit;
  contentType?: string;
}

interface AllOptions extends CallOptions {
  idempotencyKey?: string;
  ifMatch?: string | number;
  ifNoneMatch?: string;
  prefer?: string;
}

// A try that came to nothing, and whether the same request may be sent again.
interface Failure {
  error: unknown;
  again: boolean;
  waitMs?: number;
}

const defaults = { timeoutMs: 10_000, attempts: 4, totalMs: 60_000 };
// Pauses double from the first to the last; which part of it is waited is drawn, so that clients do not come back at once.
const firstPauseMs = 100;
const lastPauseMs = 5_000;

export class Connection {
  readonly #options: SoukOptions;
  readonly #url: string;

  constructor(options: SoukOptions) {
    this.#options = options;
    this.#url = options.url.replace(/\/+$/, "");
  }

  /** As `ask`, of operations that have no 304. */
  protected async send<Data>(plan: Plan, options: AllOptions): Promise<Answer<Data>> {
    return (await this.ask<Data>(plan, options)) as Answer<Data>;
  }

  /**
   * Sends a request until there is an answer, as often as that is safe: what only reads, and what has an
   * Idempotency-Key, which every attempt of a call shares.
   */
  protected async ask<Data>(plan: Plan, options: AllOptions): Promise<Answer<Data> | NotModified> {
    const key = plan.keyed ? options.idempotencyKey ?? (await newKey()) : undefined;
    const request = this.#request(plan, options, key);
    // A stream of a file cannot be read twice.
    const safe = (plan.method === "GET" || key !== undefined) && !(plan.file instanceof ReadableStream);
    const attempts = safe ? options.attempts ?? this.#options.attempts ?? defaults.attempts : 1;
    const end = Date.now() + (this.#options.totalMs ?? defaults.totalMs);
    for (let attempt = 1; ; ++attempt) {
      const came = await this.#attempt<Data>(plan, request, options, key);
      if (!("again" in came)) return came;
      const pause = came.waitMs ?? Math.random() * Math.min(lastPauseMs, firstPauseMs * 2 ** attempt);
      if (!came.again || attempt >= attempts || Date.now() + pause >= end) throw came.error;
      await sleep(pause, options.signal);
    }
  }

  #request(plan: Plan, options: AllOptions, key?: string): { target: string; init: RequestInit } {
    const headers: { [name: string]: string } = {
      accept: plan.answer === "json" ? "application/json, application/problem+json" : "*/*",
    };
    if (this.#options.key !== undefined) headers["authorization"] = `Bearer ${this.#options.key}`;
    if (key !== undefined) headers["idempotency-key"] = key;
    if (options.ifMatch !== undefined) headers["if-match"] = tag(options.ifMatch);
    if (options.ifNoneMatch !== undefined) headers["if-none-match"] = options.ifNoneMatch;
    if (options.prefer !== undefined) headers["prefer"] = options.prefer;
    const init: RequestInit & { duplex?: string } = { method: plan.method, headers, redirect: "error" };
    if (plan.file !== undefined) {
      init.body = plan.file;
      headers["content-type"] = plan.contentType ?? "";
      if (plan.file instanceof ReadableStream) init.duplex = "half";
    } else if (plan.body !== undefined) {
      init.body = JSON.stringify(plan.body);
      headers["content-type"] = "application/json";
    }
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(plan.query ?? {})) if (value !== undefined) query.set(name, String(value));
    const text = query.toString();
    return { target: this.#url + plan.path + (text ? `?${text}` : ""), init };
  }

  async #attempt<Data>(
    plan: Plan,
    { target, init }: { target: string; init: RequestInit },
    options: AllOptions,
    key?: string,
  ): Promise<Answer<Data> | NotModified | Failure> {
    options.signal?.throwIfAborted();
    const ended = new AbortController();
    const end = () => ended.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", end);
    const limit = setTimeout(() => ended.abort(new Error("no answer in time")), options.timeoutMs ?? this.#options.timeoutMs ?? defaults.timeoutMs);
    let goesOn = false;
    try {
      const response = await (this.#options.fetch ?? fetch)(target, { ...init, signal: ended.signal });
      if (response.status === 304) return { status: 304, ...etagOf(response) };
      if (!response.ok) return await refused(response);
      goesOn = plan.answer === "stream";
      return { ...(await answerOf<Data>(plan, response)), ...etagOf(response) };
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      return { error: new NoAnswerError(`${plan.method} ${plan.path}: no answer`, error, key), again: true };
    } finally {
      clearTimeout(limit);
      // A stream ends by its caller's signal as long as it is read.
      if (!goesOn) options.signal?.removeEventListener("abort", end);
    }
  }
}

async function answerOf<Data>(plan: Plan, response: Response): Promise<Answer<Data>> {
  let data: unknown;
  if (plan.answer === "json") data = await response.json();
  if (plan.answer === "text") data = await response.text();
  if (plan.answer === "stream") data = response.body;
  const requestId = response.headers.get("request-id");
  return {
    status: response.status,
    data: data as Data,
    replayed: response.headers.get("idempotent-replayed") === "true",
    ...(requestId === null ? {} : { requestId }),
  };
}

function etagOf(response: Response): { etag?: string } {
  const etag = response.headers.get("etag");
  return etag === null ? {} : { etag };
}

// A refusal as an error. What a proxy says in its own words becomes a problem too.
async function refused(response: Response): Promise<Failure> {
  const text = await response.text();
  let problem: Problem;
  try {
    problem = JSON.parse(text) as Problem;
    if (typeof problem.code !== "string") throw new Error("no problem");
  } catch {
    problem = { type: "about:blank", title: response.statusText, status: response.status, code: "unknown", retryable: false };
  }
  const again =
    [502, 503, 504, 429].includes(response.status) || problem.code === "idempotency_in_flight";
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return { error: new ProblemError(problem), again, ...(Number.isFinite(seconds) ? { waitMs: seconds * 1000 } : {}) };
}

// A version as it is, or an ETag.
const tag = (version: string | number) => (typeof version === "number" ? `"${version}"` : version);

async function newKey(): Promise<string> {
  if (globalThis.crypto?.randomUUID) return globalThis.crypto.randomUUID();
  // Before 19, Node had it in a module alone.
  const name = "node:crypto";
  return ((await import(name)) as { randomUUID(): string }).randomUUID();
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener("abort", end, { once: true });
  });
}

/** A page of a list. */
export interface Page<Item> {
  data: Item[];
  has_more: boolean;
  next_cursor?: string;
}

/**
 * Everything of a list, page by page:
 * `for await (const order of each((cursor) => souk.listOrders({ status: "placed", ...cursor }))) ...`
 */
export async function* each<Item>(page: (cursor: { cursor?: string }) => Promise<Answer<Page<Item>>>): AsyncGenerator<Item, void, undefined> {
  let cursor: { cursor?: string } = {};
  for (;;) {
    const { data } = await page(cursor);
    yield* data.data;
    if (!data.has_more || data.next_cursor === undefined) return;
    cursor = { cursor: data.next_cursor };
  }
}
