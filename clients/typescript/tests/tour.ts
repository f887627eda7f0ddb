// The whole shop, from a product to a cancelled order, as a program would use it: against a node that runs.
// usage: node build/tests/tour.js URL KEY
import { NoAnswerError, ProblemError, Souk, each } from "../src/index.js";
import type { Cart, Checkout, NewProduct, ProblemCode } from "../src/index.js";

declare const process: { argv: string[] };
const [url, key] = process.argv.slice(2) as [string, string];
const staff = new Souk({ url, key });
const shop = new Souk({ url });

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`it does not hold: ${what}`);
}

// What goes on in the background, looked at until it is so.
async function until<Seen>(what: string, look: () => Promise<Seen>, holds: (seen: Seen) => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return;
    check(Date.now() < end, `${what}: ${JSON.stringify(seen)}`);
  }
}

async function refused(code: ProblemCode, call: Promise<unknown>): Promise<ProblemError> {
  try {
    await call;
  } catch (error) {
    check(error instanceof ProblemError, `a problem, not ${String(error)}`);
    check(error.code === code, `${code}, not ${error.message}`);
    return error;
  }
  throw new Error(`${code} did not come`);
}

const tea: NewProduct = {
  id: "tea",
  title: "Assam",
  categories: ["tea"],
  attributes: { origin: "Assam", organic: true },
  variants: [{ sku: "TEA", options: { size: "100 g" }, price: { amount: 1290, currency: "EUR" } }],
};

async function publish(): Promise<void> {
  const made = await staff.createProduct(tea);
  check(made.status === 201 && made.data.variants[0]?.sku === "TEA", "the product");
  const known = await shop.getProduct("tea");
  check(known.etag !== undefined, "an ETag");
  check((await shop.getProduct("tea", { ifNoneMatch: known.etag })).status === 304, "it is known");
  await staff.replaceProduct("tea", { ...tea, description: "Strong." }, { ifMatch: made.data.version });
  await refused("precondition_failed", staff.replaceProduct("tea", tea, { ifMatch: made.data.version }));
  await refused("precondition_required", staff.replaceProduct("tea", tea));
  await refused("invalid_token", shop.createProduct(tea));
  await staff.adjustStock({ sku: "TEA", delta: 50, reason: "received" });
  const audit = (await staff.auditStock({ sku: "TEA" })).data;
  check("balanced" in audit && audit.balanced && audit.on_hand === 50, "the books");
  check((await staff.listLevels({ sku: "TEA" })).data.data[0]?.available === 50, "the level");
  check((await staff.listMovements({ sku: "TEA" })).data.data.length === 1, "the movement");
}

async function importMore(): Promise<void> {
  const lines = ["MUG", "POT"].map((sku) =>
    JSON.stringify({ product: { title: sku, variants: [{ sku, price: { amount: 900, currency: "EUR" } }] }, stock: { [sku]: 9 } }));
  const begun = await staff.startImport(lines.join("\n"), "application/x-ndjson");
  check(begun.status === 202, "the import");
  await until("the import", () => staff.getImport(begun.data.id), ({ data }) => data.status === "completed" && data.products === 2);
}

// A node's own catalogue follows what was published.
async function browse(): Promise<void> {
  await until("the catalogue", () => shop.listProducts(), ({ data }) => data.data.length === 3);
  const names: string[] = [];
  for await (const product of each((cursor) => shop.listProducts({ limit: 1, ...cursor }))) names.push(product.title);
  check(names.sort().join() === "Assam,MUG,POT", `all products, page by page: ${names.join()}`);
  check((await shop.searchProducts({ q: "assam" })).data.data[0]?.id === "tea", "the search");
  check((await shop.getVariant("TEA")).data.price.amount === 1290, "the variant");
  await refused("not_found", shop.getProduct("none"));
}

async function fill(): Promise<Cart> {
  const cart = (await shop.createCart({ currency: "EUR", customer_id: "ada" })).data;
  await shop.addItems(cart.id, { items: [{ sku: "TEA", quantity: 2 }, { sku: "MUG", quantity: 1 }] });
  const changed = await shop.addItems(cart.id, { sku: "POT", quantity: 1 }, { prefer: "return=minimal" });
  const pot = changed.data.lines[0];
  check(changed.data.lines.length === 1 && pot !== undefined, "the changed line alone");
  await shop.setQuantity(cart.id, pot.id, { quantity: 2 });
  await shop.removeLine(cart.id, pot.id);
  return (await shop.getCart(cart.id)).data;
}

const hold = (cart: Cart, token?: string) =>
  shop.createCheckout({
    cart_id: cart.id,
    cart_version: cart.version,
    email: "ada@example.org",
    expected_total: { amount: 3480, currency: "EUR" },
    ...(token === undefined ? {} : { payment: { provider: "test", token } }),
  });
const pay = (checkout: Checkout, token: string, idempotencyKey?: string) =>
  shop.completeCheckout(checkout.id, { payment: { provider: "test", token } },
    idempotencyKey === undefined ? {} : { idempotencyKey });

async function buy(): Promise<void> {
  const cart = await fill();
  await refused("version_conflict", hold({ ...cart, version: 1 }));
  const held = (await hold(cart)).data;
  check(held.status === "ready" && held.holds.length === 2, "what is held");
  const claimed = await refused("invalid_state", hold(cart));
  check(claimed.problem.checkout_id === held.id, "whose the cart is");
  await refused("payment_declined", pay(held, "tok_declined"));
  const first = await pay(held, "tok_ok", "pay-once");
  const again = await pay(held, "tok_ok", "pay-once");
  check(!first.replayed && again.replayed && JSON.stringify(first.data) === JSON.stringify(again.data), "the first answer again");
  check(first.data.order !== undefined, "the order");
  const order = (await shop.getOrder(first.data.order.id)).data;
  check(order.payment_status === "paid" && order.totals.some((one) => one.type === "total" && one.amount === 3480), "what was paid");
  const orders: string[] = [];
  for await (const one of each((cursor) => staff.listOrders({ customer_id: "ada", ...cursor }))) orders.push(one.id);
  check(orders.join() === order.id, "the list of orders");
  check((await staff.cancelOrder(order.id, { reason: "A mistake." })).data.status === "canceled", "the cancelled order");
  await until("the money back", () => shop.getOrder(order.id), ({ data }) => ["refunded", "voided"].includes(data.payment_status));
}

async function giveUp(): Promise<void> {
  const held = (await hold(await fill())).data;
  check((await shop.cancelCheckout(held.id)).data.status === "canceled", "the cancelled checkout");
  const secured = (await hold(await fill(), "tok_3ds")).data;
  check(secured.status === "requires_action" && secured.payment !== undefined, "the buyer is asked");
  await shop.authenticateTestPayment(secured.payment.id);
  await until("the order", () => shop.getCheckout(secured.id), ({ data }) => data.status === "completed");
}

async function operate(): Promise<void> {
  const made = (await staff.createKey({ label: "reader", scopes: ["orders:read"] })).data;
  const reader = new Souk({ url, key: made.secret });
  await reader.listOrders();
  await refused("insufficient_scope", reader.listKeys());
  await staff.revokeKey(made.id);
  await refused("invalid_token", reader.listOrders());
  check((await staff.listKeys()).data.data.some((one) => one.id === made.id && one.revoked_at !== undefined), "the ended key");
  for (const look of [staff.showTree(), staff.showStatus(), staff.showQuarantine(), staff.listTestPayments(), staff.showApi()])
    check(typeof (await look).data === "object", "what an operator sees");
  check((await shop.showApiPage()).data.startsWith("<!doctype html>"), "the page for people");
}

// A network that loses answers: the request came, its sender does not know.
async function lose(): Promise<void> {
  let sent: string[] = [];
  let lost = 2;
  const lossy: typeof fetch = async (target, init) => {
    sent.push(new Headers(init?.headers).get("idempotency-key") ?? "none");
    const response = await fetch(target, init);
    if (lost-- <= 0) return response;
    await response.arrayBuffer();
    throw new TypeError("connection reset");
  };
  const buyer = new Souk({ url, fetch: lossy });
  const cart = await buyer.createCart({ currency: "EUR" });
  check(cart.replayed && sent.length === 3 && new Set(sent).size === 1, "one cart, asked for three times under one key");

  sent = [];
  lost = 100;
  const failed = await buyer.createCart({ currency: "EUR" }).catch((error: unknown) => error);
  check(failed instanceof NoAnswerError && failed.idempotencyKey === sent[0] && sent.length === 4, "an end of trying");

  // Without a key nothing is sent twice that changes something.
  sent = [];
  const operator = new Souk({ url, key, fetch: lossy });
  const unsure = await operator.createKey({ label: "lost" }).catch((error: unknown) => error);
  check(unsure instanceof NoAnswerError && sent.join() === "none", "a request that is not safe is sent once");
}

async function end(): Promise<void> {
  const never: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const silent = new Souk({ url, fetch: never, timeoutMs: 20, attempts: 2 });
  const late = await silent.listProducts().catch((error: unknown) => error);
  check(late instanceof NoAnswerError, "no answer in time");
  const given = new AbortController();
  const ended = silent.listProducts({}, { signal: given.signal, timeoutMs: 60_000 }).catch((error: unknown) => error);
  given.abort(new Error("enough"));
  check(((await ended) as Error).message === "enough", "the caller's own end");
  let tries = 0;
  const busy: typeof fetch = async () => {
    ++tries;
    return new Response(`{"type":"urn:souk:problem:overloaded","title":"","status":503,"code":"overloaded","retryable":true}`,
      { status: 503, headers: { "retry-after": "0" } });
  };
  await refused("overloaded", new Souk({ url, fetch: busy, attempts: 3 }).listProducts());
  check(tries === 3, "three tries");
}

const steps = { publish, importMore, browse, buy, giveUp, operate, lose, end };
for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log(`${name}: as it should be`);
}
