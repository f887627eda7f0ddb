// Made from the shop's OpenAPI document by script/generate-client; changed there, not here.
import { Connection } from "./connection.js";
import type { Answer, CallOptions, NotModified } from "./connection.js";

export type Money = {
  /** In the currency's minor unit. */
  amount: number;
  /** ISO 4217. */
  currency: string;
};

/** The price of one unit. A line costs quantity × price, rounded half to even once. */
export type UnitPrice = {
  /** In the currency's minor unit, rounded half to even. */
  amount: number;
  /** ISO 4217. */
  currency: string;
  /** The price itself, where it is finer than the minor unit: value / 10^scale. */
  precise?: {
    /** An integer. */
    value: string;
    /** Digits behind the point. */
    scale: number;
  };
};

/** Either `amount`, or `precise` for a price that is finer than the minor unit; if both, `amount` is it, rounded half to even. */
export type NewUnitPrice = {
  amount?: number;
  /** ISO 4217. */
  currency: string;
  precise?: {
    value: string;
    scale: number;
  };
};

export type Total = {
  type: "items_base" | "items_discount" | "subtotal" | "discount" | "fulfillment" | "tax" | "fee" | "total";
  /** In the currency's minor unit. */
  amount: number;
  /** ISO 4217. */
  currency: string;
};

export type Line = {
  /** Within its cart. */
  id: string;
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  title: string;
  quantity: number;
  unit_price: UnitPrice;
  total: Money;
  /** What the buyer wants of it, such as an engraving; units with other attributes are a line of their own. */
  attributes?: { [name: string]: string };
};

/** What changed under the buyer; no error. */
export type Message = {
  /** price_changed, unavailable, or why the last payment did not go through. */
  code: string;
  line_id?: string;
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku?: string;
  /** One sentence. */
  detail: string;
  cart_price?: UnitPrice;
  unit_price?: UnitPrice;
};

export type Variant = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  title?: string;
  /** What tells it from the product's other variants. */
  options: { [name: string]: string };
  price: UnitPrice;
};

export type Product = {
  id: string;
  /** Goes up by one with every change. */
  version: number;
  status: "active" | "draft" | "archived";
  title: string;
  description: string;
  categories: Array<string>;
  /** What the shop says of it. */
  attributes: { [name: string]: string | number | boolean };
  image_url?: string;
  variants: Array<Variant>;
  /** When it was created. */
  created_at: string;
  /** When it was changed last. */
  updated_at: string;
};

export type NewProduct = {
  /** Chosen by the shop, or made. */
  id?: string;
  title: string;
  description?: string;
  categories?: Array<string>;
  /** What the shop says of it, up to 16 KiB. */
  attributes?: { [name: string]: string | number | boolean };
  image_url?: string;
  /** active when left out. */
  status?: "active" | "draft" | "archived";
  /** Each with a sku of its own; a sku belongs to one product for ever. */
  variants: Array<{
    /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
    sku: string;
    title?: string;
    /** What tells it from the product's other variants. */
    options?: { [name: string]: string };
    price: NewUnitPrice;
  }>;
};

/** A page of products, by id; of a search, the best first. */
export type ProductList = {
  data: Array<Product>;
  /** Whether there is another page. */
  has_more: boolean;
  /** What to ask the next page with. */
  next_cursor?: string;
};

/** What a shop front shows of a variant. */
export type VariantView = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  product_id: string;
  title: string;
  /** What tells it from the product's other variants. */
  options: { [name: string]: string };
  price: UnitPrice;
  availability: {
    /** Units that can be bought now. */
    available: number;
  };
  image_url?: string;
  /** Goes up by one with every change. */
  version: number;
};

export type NewAdjustment = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  /** A place where units lie. */
  location?: string;
  /** received and returned: above 0; written_off: below 0; correction: not 0. */
  delta: number;
  reason: "received" | "returned" | "written_off" | "correction";
  /** A note's number, say. */
  reference?: string;
};

export type Movement = {
  /** Of the movement. */
  id: string;
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  /** A place where units lie. */
  location: string;
  delta: number;
  reason: "received" | "returned" | "written_off" | "correction" | "sold";
  reference?: string;
  /** When. */
  at: string;
  /** Afterwards. */
  on_hand: number;
  /** Afterwards; in the answer to an adjustment. */
  level?: Level;
};

/** A page of movements, the newest first. */
export type MovementList = {
  data: Array<Movement>;
  /** Whether there is another page. */
  has_more: boolean;
  /** What to ask the next page with. */
  next_cursor?: string;
};

export type Level = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  /** A place where units lie. */
  location: string;
  /** Units that are there, held ones included. */
  on_hand: number;
  /** Of them held by checkouts. */
  reserved: number;
  /** on_hand less reserved. */
  available: number;
  /** Goes up by one with every change. */
  version: number;
};

export type LevelList = {
  data: Array<Level>;
};

export type StockAudit = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  /** "*": summed up over several. */
  location: string;
  received: number;
  returned: number;
  corrected: number;
  written_off: number;
  sold: number;
  on_hand: number;
  reserved: number;
  holds: Array<{
    id: string;
    quantity: number;
    /** When it ends by itself. */
    expires_at: string;
    /** Whose it is. */
    checkout_id: string;
  }>;
  /** received + returned + corrected − written_off − sold = on_hand, and the holds add up to reserved. */
  balanced: boolean;
};

export type WholeAudit = {
  skus: number;
  unbalanced: number;
  open_holds: number;
  /** The unbalanced ones, up to 1,000. */
  data: Array<StockAudit>;
};

/** Of one sku, or of all. */
export type Audit = StockAudit | WholeAudit;

export type NewCart = {
  /** ISO 4217. */
  currency: string;
  /** The shop's own text; with a token of a customer, theirs or left out. */
  customer_id?: string;
};

export type NewItem = {
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  quantity: number;
  /** What the buyer wants of it, such as an engraving; units with other attributes are a line of their own. */
  attributes?: { [name: string]: string };
  /** A quoted price, with the shop's key only. */
  unit_price?: NewUnitPrice;
};

export type NewItems = NewItem | {
  items: Array<NewItem>;
};

export type Quantity = {
  /** 0 removes the line. */
  quantity: number;
};

export type Cart = {
  /** Of the cart. Whoever knows it may use the cart. */
  id: string;
  /** Goes up by one with every change. */
  version: number;
  /** ISO 4217. */
  currency: string;
  status: "open" | "ordered" | "merged" | "expired";
  customer_id?: string;
  /** That has claimed it. */
  checkout_id?: string;
  /** That it became. */
  order_id?: string;
  lines: Array<Line>;
  totals: Array<Total>;
  messages: Array<Message>;
  /** When it was created. */
  created_at: string;
  /** When it ends if nobody touches it. */
  expires_at: string;
};

/** With `Prefer: return=minimal`. */
export type CartChange = {
  /** Of the cart. */
  id: string;
  /** Goes up by one with every change. */
  version: number;
  /** The changed ones. */
  lines: Array<Line>;
  totals: Array<Total>;
};

export type CartOrChange = Cart | CartChange;

export type PaymentMethod = {
  provider: string;
  token: string;
};

export type NewCheckout = {
  /** What is bought. */
  cart_id: string;
  /** What the buyer saw. Left out: 428. */
  cart_version?: number;
  email?: string;
  /** As the shop wants it, up to 4,096 bytes; kept as it is. */
  shipping_address?: { [name: string]: unknown };
  /** What the buyer was told: a higher total is refused with price_changed. */
  expected_total?: Money;
  payment?: PaymentMethod;
};

export type Completion = {
  payment?: PaymentMethod;
};

export type Hold = {
  id: string;
  /** 1 to 64 printable ASCII characters, without a space at either end; case counts. */
  sku: string;
  /** A place where units lie. */
  location: string;
  quantity: number;
  /** When it ends by itself. */
  expires_at: string;
};

export type Checkout = {
  /** Of the checkout. */
  id: string;
  /** Goes up by one with every change. */
  version: number;
  status: "ready" | "requires_action" | "completing" | "completed" | "canceled" | "expired";
  /** What is bought. */
  cart_id: string;
  customer_id?: string;
  email?: string;
  /** As the shop wants it, up to 4,096 bytes; kept as it is. */
  shipping_address?: { [name: string]: unknown };
  /** ISO 4217. */
  currency: string;
  lines: Array<Line>;
  totals: Array<Total>;
  holds: Array<Hold>;
  /** When it and its holds end. */
  expires_at: string;
  payment?: {
    /** Of the payment. */
    id: string;
    status: string;
    /** Why it did not go through. */
    code?: string;
  };
  order?: {
    /** Of the order. */
    id: string;
  };
  messages: Array<Message>;
};

export type Order = {
  /** Of the order. */
  id: string;
  /** For people. */
  number: string;
  /** Goes up by one with every change. */
  version: number;
  status: "placed" | "canceled" | "completed";
  payment_status: "authorized" | "paid" | "partially_refunded" | "refunded" | "voided";
  fulfillment_status: "unfulfilled" | "partial" | "fulfilled" | "returned";
  /** That it came from. */
  checkout_id: string;
  /** That it came from. */
  cart_id: string;
  customer_id?: string;
  email?: string;
  /** As the shop wants it, up to 4,096 bytes; kept as it is. */
  shipping_address?: { [name: string]: unknown };
  /** ISO 4217. */
  currency: string;
  lines: Array<Line>;
  totals: Array<Total>;
  payments: Array<{
    /** Of the payment. */
    id: string;
    status: string;
    amount: Money;
  }>;
  history: Array<{
    /** When. */
    at: string;
    type: string;
    reason?: string;
    payment_id?: string;
  }>;
  /** When it was placed. */
  placed_at: string;
};

/** A page of orders, the newest first. */
export type OrderList = {
  data: Array<Order>;
  /** Whether there is another page. */
  has_more: boolean;
  /** What to ask the next page with. */
  next_cursor?: string;
};

/** Something that happened. */
export type Event = {
  specversion: "1.0";
  /** Names the event for ever. */
  id: string;
  /** The shop. */
  source: string;
  type: string;
  /** What it happened to: its kind, and the part of its id that is its own. */
  subject: string;
  time: string;
  datacontenttype: "application/json";
  /** 1, 2, ... of each subject. */
  sequence: number;
  /** Of the request that caused it, if known. */
  traceparent?: string;
  /** As the type says. */
  data: { [name: string]: unknown };
};

/** A page of events, the oldest first. */
export type EventList = {
  data: Array<Event>;
  /** Whether there may be more now. */
  has_more: boolean;
  /** What to go on with, now or later. */
  next_cursor: string;
};

export type NewWebhookEndpoint = {
  /** Of https, with an address that anybody may reach; others where the shop allows them. */
  url: string;
  /** Which events; without them, all. */
  types?: Array<string>;
  /** Where it begins: a cursor of the feed, "earliest", or "latest" as without it. */
  after?: string;
};

export type WebhookChange = {
  /** Of https, with an address that anybody may reach; others where the shop allows them. */
  url?: string;
  /** Which events. */
  types?: Array<string>;
  status?: "enabled" | "disabled";
};

export type SecretRotation = {
  /** Seconds for which the one before signs too. */
  previous_valid_s?: number;
};

export type WebhookReplay = {
  /** Where it begins: a cursor of the feed, a time, or "earliest". */
  after: string;
  /** Where it ends: a cursor or a time; without it, where the endpoint is. */
  until?: string;
};

export type WebhookEndpoint = {
  /** Of the endpoint. */
  id: string;
  /** Raised by each change, and by what is delivered. */
  version: number;
  /** Where events are sent. */
  url: string;
  /** Which; none: all. */
  types: Array<string>;
  status: "enabled" | "disabled";
  /** Why nothing is sent: somebody said so; it answered 410; an event was not taken for three days; events were not kept until they could be read. */
  disabled_reason?: "by_request" | "gone" | "retries_exhausted" | "events_trimmed";
  /** Events that it did not take, and those of the same subjects behind them. */
  waiting: number;
  /** Whether events are sent again. */
  replaying: boolean;
  /** Since when it has taken nothing. */
  failing_since?: string;
  /** What the last try came to. */
  failure?: string;
  /** Until when the secret before signs too. */
  previous_secret_until?: string;
  /** When. */
  created_at: string;
};

export type MadeWebhookEndpoint = {
  /** Of the endpoint. */
  id: string;
  /** Raised by each change, and by what is delivered. */
  version: number;
  /** Where events are sent. */
  url: string;
  /** Which; none: all. */
  types: Array<string>;
  status: "enabled" | "disabled";
  /** Why nothing is sent: somebody said so; it answered 410; an event was not taken for three days; events were not kept until they could be read. */
  disabled_reason?: "by_request" | "gone" | "retries_exhausted" | "events_trimmed";
  /** Events that it did not take, and those of the same subjects behind them. */
  waiting: number;
  /** Whether events are sent again. */
  replaying: boolean;
  /** Since when it has taken nothing. */
  failing_since?: string;
  /** What the last try came to. */
  failure?: string;
  /** Until when the secret before signs too. */
  previous_secret_until?: string;
  /** When. */
  created_at: string;
  /** What deliveries are signed with (Standard Webhooks 1.0). Shown this once. */
  secret: string;
};

export type RemovedWebhookEndpoint = {
  /** Of the endpoint. */
  id: string;
  deleted: boolean;
};

/** A page of endpoints, the oldest first. */
export type WebhookEndpointList = {
  data: Array<WebhookEndpoint>;
  /** Whether there is another page. */
  has_more: boolean;
  /** What to ask the next page with. */
  next_cursor?: string;
};

export type Reason = {
  reason: string;
};

export type NewKey = {
  label: string;
  /** For a shop front: opens nothing beyond what is open to everybody. */
  publishable?: boolean;
  /** What it opens; without them, everything. Not of a publishable one. */
  scopes?: Array<Scope>;
  /** When it ends by itself: a moment to come, in UTC, with milliseconds or without. */
  expires_at?: string;
};

/** What a key may open; each operation names its own. */
export type Scope = "catalogue:read" | "catalogue:write" | "inventory:read" | "inventory:write" | "imports:read" | "imports:write" | "carts:read" | "carts:write" | "orders:read" | "orders:write" | "payments:read" | "keys:admin" | "cluster:read" | "cluster:admin" | "events:read" | "webhooks:read" | "webhooks:write";

export type Key = {
  /** Of the key. */
  id: string;
  label: string;
  /** Whether it is for a shop front. */
  publishable: boolean;
  /** What it opens. */
  scopes: Array<Scope>;
  /** When. */
  created_at: string;
  /** When it ends by itself. */
  expires_at?: string;
  /** When it ended. */
  revoked_at?: string;
  /** When it was used, to the hour or so. */
  last_used_at?: string;
};

export type MadeKey = {
  /** Of the key. */
  id: string;
  label: string;
  /** Whether it is for a shop front. */
  publishable: boolean;
  /** What it opens. */
  scopes: Array<Scope>;
  /** When. */
  created_at: string;
  /** When it ends by itself. */
  expires_at?: string;
  /** Shown this once. */
  secret: string;
};

/** All keys. */
export type KeyList = {
  data: Array<Key>;
  /** Whether there is another page. */
  has_more: boolean;
  /** What to ask the next page with. */
  next_cursor?: string;
};

export type Import = {
  /** Of the import. */
  id: string;
  status: string;
  format?: "ndjson" | "csv";
  lines?: number;
  products?: number;
  adjustments?: number;
  failed_lines?: number;
  /** The first ones. */
  errors?: Array<{
    line: number;
    code: string;
    detail: string;
  }>;
  /** Why it ended early. */
  failure?: string;
  /** When. */
  created_at?: string;
  /** When it ended. */
  finished_at?: string;
};

/** RFC 9457. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  /** One sentence for the developer. */
  detail?: string;
  instance?: string;
  code: string;
  request_id?: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
  errors?: Array<{
    /** RFC 6901 into the body, or ?name of a query parameter. */
    pointer: string;
    code: string;
    detail: string;
    /** Of insufficient_stock: what there is. Of hold_limit_reached: what this buyer may still hold. */
    available?: number;
  }>;
  current_version?: number;
  available?: number;
  retry_after_ms?: number;
  checkout_id?: string;
  order_id?: string;
  /** Of events: from where all is still kept. */
  earliest_cursor?: string;
};

export type ClusterOrder = {
  command: "join" | "drain" | "undrain" | "remove" | "move" | "force" | "rebalance" | "finalize";
  /** Needed by all but rebalance and finalize, which take none. */
  node?: string;
  /** Needed by move and force; others take none. */
  shard?: number;
  /** force: what only lost copies have may be gone. */
  accept_loss?: boolean;
  /** Say only what would be done. */
  dry_run?: boolean;
};

export type Crash = {
  /** Kind and id. */
  entity: string;
};

/** {}, or no body at all. */
export type Nothing = { [name: string]: never };

/** The supervision tree of the node that answers. */
export type Tree = {
  name: string;
  kind: string;
  state: string;
  /** Since the node started. */
  restarts: number;
  /** Why it failed last. */
  last_error?: string;
  /** Of an entity supervisor. */
  entities?: {
    live: number;
    restarts: number;
  };
  children: Array<Tree>;
};

/** Figures of the node that answers. */
export type Status = {
  node: string;
  /** Whether it serves all that is its own. */
  serving: boolean;
  shard_count: number;
  /** That are awake. */
  entities: number;
  entity_restarts: number;
  /** Messages set aside. */
  quarantined: number;
  storage: {
    journal_bytes: number;
    state_bytes: number;
    disk_free_bytes: number;
    /** New work is refused. */
    nearly_full: boolean;
  };
  shards: Array<ShardStatus>;
};

export type ShardStatus = {
  shard: number;
  /** At this node. */
  serving: boolean;
  primary: string;
  in_sync: Array<string>;
  epoch: number;
  /** Of the newest record. */
  last_index: number;
  committed: number;
  /** What its state on disk has. */
  applied: number;
  entities: number;
  effects_outstanding: number;
};

/** Members, shards and their copies. */
export type Cluster = {
  node: string;
  /** False: it is alone, and nothing else is said. */
  clustered: boolean;
  registered?: boolean;
  /** Why it is not, if so. */
  reason?: string;
  cluster_id?: string;
  /** The node that is it. */
  controller?: string;
  format?: number;
  replicas?: number;
  nodes?: Array<Member>;
  shards?: Array<Placement>;
};

export type Member = {
  node: string;
  state: string;
  /** Whether it lives. */
  registered: boolean;
  /** Whether the node that answers reaches it. */
  linked: boolean;
  /** Shards that it serves. */
  primaries: number;
  /** Shards that it keeps. */
  copies: number;
  disk: string;
  http: string;
  link: string;
  version: string;
  /** That it can write. */
  newest_format: number;
};

export type Placement = {
  shard: number;
  epoch: number;
  primary: string;
  in_sync: Array<string>;
  replicas: Array<string>;
  min_in_sync: number;
  /** Where it is going; empty: nowhere. */
  move_to: string;
};

export type Outcome = {
  outcome: "done";
  dry_run: boolean;
  /** What was done, or would be. */
  lines: Array<string>;
};

/** What this node's copy of a shard comes to. */
export type Digest = {
  node: string;
  shard: number;
  /** The newest record. */
  last: number;
  /** Up to which record it counts. */
  applied: number;
  epoch: number;
  rows: number;
  digest: string;
};

/** Messages that made their entity throw and were set aside. */
export type Quarantine = {
  data: Array<Aside>;
};

export type Aside = {
  entity: string;
  message: string;
  reason: string;
  at: string;
};

/** The test provider's books. */
export type TestPayments = {
  data: Array<TestCharge>;
  has_more: boolean;
  summary: {
    /** That stand. */
    charged: number;
    refunded: number;
    /** Beyond the first of a checkout: 0. */
    duplicates: number;
  };
};

export type TestCharge = {
  id: string;
  /** Under which it was asked. */
  key: string;
  payment_id: string;
  checkout_id: string;
  token: string;
  amount: number;
  currency: string;
  status: "charged" | "declined" | "voided" | "refunded";
  charge_count: number;
  /** Of the amount. */
  refunded: number;
  created_at: string;
};

/** A payment of the test provider. */
export type TestPayment = {
  id: string;
  version: number;
  status: string;
  checkout_id: string;
  provider: string;
  amount: Money;
  /** Why it did not go through. */
  code?: string;
};

/** It threw. */
export type Crashed = {
  status: "crashed";
};

/** OpenAPI 3.1. */
export type Document = { [name: string]: unknown };

/** What `showDigest` may be asked with. */
export type ShowDigestQuery = {
  /** Its number. */
  shard: number;
  /** Kept answers before this moment, in milliseconds since 1970, count no more. */
  answers_from_ms: number;
};

/** What `listEvents` may be asked with. */
export type ListEventsQuery = {
  /** The `next_cursor` of the page before; `latest`: what comes from now on. Without it: from the earliest that is kept. */
  after?: string;
  /** Only events of these types, with commas between them. */
  types?: string;
  /** Of a page. */
  limit?: number;
};

/** What `streamEvents` may be asked with. */
export type StreamEventsQuery = {
  /** The `next_cursor` of the page before; `latest`: what comes from now on. Without it: from the earliest that is kept. */
  after?: string;
  /** Only events of these types, with commas between them. */
  types?: string;
};

/** What `auditStock` may be asked with. */
export type AuditStockQuery = {
  /** Which sku. Needed but for an audit of everything. */
  sku?: string;
};

/** What `listLevels` may be asked with. */
export type ListLevelsQuery = {
  /** Which sku. Needed but for an audit of everything. */
  sku?: string;
};

/** What `listMovements` may be asked with. */
export type ListMovementsQuery = {
  /** Which sku. Needed but for an audit of everything. */
  sku?: string;
  /** Which location; `default` when left out. */
  location?: string;
  /** Of a page. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
};

/** What `createKey` may be asked with. */
export type CreateKeyQuery = {
  /** Whose keys, if not those of the caller's tenant: takes the scope `cluster:admin`, which only the first tenant's credentials have. The first key makes a tenant. */
  tenant?: string;
};

/** What `listKeys` may be asked with. */
export type ListKeysQuery = {
  /** Whose keys, if not those of the caller's tenant: takes the scope `cluster:admin`, which only the first tenant's credentials have. The first key makes a tenant. */
  tenant?: string;
};

/** What `revokeKey` may be asked with. */
export type RevokeKeyQuery = {
  /** Whose keys, if not those of the caller's tenant: takes the scope `cluster:admin`, which only the first tenant's credentials have. The first key makes a tenant. */
  tenant?: string;
};

/** What `listOrders` may be asked with. */
export type ListOrdersQuery = {
  /** Only orders of this customer. */
  customer_id?: string;
  /** Only orders of this status. */
  status?: "placed" | "canceled" | "completed";
  /** Of a page. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
};

/** What `listProducts` may be asked with. */
export type ListProductsQuery = {
  /** Only products of this category. */
  category?: string;
  /** Of a page. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
};

/** What `searchProducts` may be asked with. */
export type SearchProductsQuery = {
  /** What to search for. */
  q: string;
  /** Only products of this category. */
  category?: string;
  /** Of a page. */
  limit?: number;
};

/** What `listWebhookEndpoints` may be asked with. */
export type ListWebhookEndpointsQuery = {
  /** Of a page. */
  limit?: number;
  /** The `next_cursor` of the page before. */
  cursor?: string;
};

/** Every `code` that the document names; later shops may have more. */
export type ProblemCode =
  | "authentication_required"
  | "currency_mismatch"
  | "expired"
  | "head_too_large"
  | "hold_limit_reached"
  | "idempotency_in_flight"
  | "idempotency_key_required"
  | "idempotency_key_reused"
  | "insufficient_scope"
  | "insufficient_stock"
  | "internal_error"
  | "invalid_cursor"
  | "invalid_state"
  | "invalid_token"
  | "malformed_json"
  | "malformed_request"
  | "money_overflow"
  | "not_acceptable"
  | "not_found"
  | "outcome_unknown"
  | "overloaded"
  | "payment_declined"
  | "precondition_failed"
  | "precondition_required"
  | "price_changed"
  | "rate_limited"
  | "request_timeout"
  | "shard_unavailable"
  | "sku_taken"
  | "storage_full"
  | "too_large"
  | "unknown_field"
  | "unsupported_media_type"
  | "uri_too_long"
  | "validation_failed"
  | "version_conflict";

/** Carts, checkouts, orders and the stock behind them. */
export class Souk extends Connection {
  // catalogue: Products and their variants.

  /**
   * Import products and stock from a file.
   * For staff. NDJSON or CSV, up to 256 MiB; the work goes on in the background.
   * `POST /v1/imports`
   */
  startImport(file: BodyInit, contentType: "application/x-ndjson" | "text/csv", options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Import>> {
    return this.send<Import>({ method: "POST", path: "/v1/imports", answer: "json", keyed: true, file, contentType }, options);
  }

  /**
   * How an import stands.
   * For staff.
   * `GET /v1/imports/{id}`
   */
  getImport(id: string, options: CallOptions = {}): Promise<Answer<Import>> {
    return this.send<Import>({ method: "GET", path: `/v1/imports/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Publish a product.
   * For staff.
   * `POST /v1/products`
   */
  createProduct(body: NewProduct, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Product>> {
    return this.send<Product>({ method: "POST", path: "/v1/products", answer: "json", keyed: true, body }, options);
  }

  /**
   * List products.
   * `GET /v1/products`
   */
  listProducts(query: ListProductsQuery = {}, options: CallOptions = {}): Promise<Answer<ProductList>> {
    return this.send<ProductList>({ method: "GET", path: "/v1/products", answer: "json", query }, options);
  }

  /**
   * One product.
   * `GET /v1/products/{id}`
   */
  getProduct(id: string, options: CallOptions & { ifNoneMatch: string }): Promise<Answer<Product> | NotModified>;
  getProduct(id: string, options?: CallOptions): Promise<Answer<Product>>;
  getProduct(id: string, options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<Product> | NotModified> {
    return this.ask<Product>({ method: "GET", path: `/v1/products/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Replace a product.
   * For staff. All of it; what is left out is gone.
   * `PUT /v1/products/{id}`
   */
  replaceProduct(id: string, body: NewProduct, options: CallOptions & { idempotencyKey?: string; ifMatch?: string | number } = {}): Promise<Answer<Product>> {
    return this.send<Product>({ method: "PUT", path: `/v1/products/${encodeURIComponent(id)}`, answer: "json", keyed: true, body }, options);
  }

  /**
   * Search products.
   * `GET /v1/search`
   */
  searchProducts(query: SearchProductsQuery, options: CallOptions = {}): Promise<Answer<ProductList>> {
    return this.send<ProductList>({ method: "GET", path: "/v1/search", answer: "json", query }, options);
  }

  /**
   * One variant, with what is available.
   * `GET /v1/variants/{sku}`
   */
  getVariant(sku: string, options: CallOptions & { ifNoneMatch: string }): Promise<Answer<VariantView> | NotModified>;
  getVariant(sku: string, options?: CallOptions): Promise<Answer<VariantView>>;
  getVariant(sku: string, options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<VariantView> | NotModified> {
    return this.ask<VariantView>({ method: "GET", path: `/v1/variants/${encodeURIComponent(sku)}`, answer: "json" }, options);
  }

  // inventory: What is there, and why.

  /**
   * Change what is on hand.
   * For staff. Refused where on_hand would fall below what is held, and where a `reference` comes again for the same sku and reason.
   * `POST /v1/inventory/adjustments`
   */
  adjustStock(body: NewAdjustment, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Movement>> {
    return this.send<Movement>({ method: "POST", path: "/v1/inventory/adjustments", answer: "json", keyed: true, body }, options);
  }

  /**
   * Whether the books balance.
   * For staff. Of one sku over all locations, or, without `sku`, of everything.
   * `GET /v1/inventory/audit`
   */
  auditStock(query: AuditStockQuery = {}, options: CallOptions = {}): Promise<Answer<Audit>> {
    return this.send<Audit>({ method: "GET", path: "/v1/inventory/audit", answer: "json", query }, options);
  }

  /**
   * What is on hand, held and available.
   * For staff.
   * `GET /v1/inventory/levels`
   */
  listLevels(query: ListLevelsQuery = {}, options: CallOptions = {}): Promise<Answer<LevelList>> {
    return this.send<LevelList>({ method: "GET", path: "/v1/inventory/levels", answer: "json", query }, options);
  }

  /**
   * Why it is on hand.
   * For staff.
   * `GET /v1/inventory/movements`
   */
  listMovements(query: ListMovementsQuery = {}, options: CallOptions = {}): Promise<Answer<MovementList>> {
    return this.send<MovementList>({ method: "GET", path: "/v1/inventory/movements", answer: "json", query }, options);
  }

  // carts: What somebody may buy.

  /**
   * Create a cart.
   * `POST /v1/carts`
   */
  createCart(body: NewCart, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Cart>> {
    return this.send<Cart>({ method: "POST", path: "/v1/carts", answer: "json", keyed: true, body }, options);
  }

  /**
   * One cart.
   * `GET /v1/carts/{id}`
   */
  getCart(id: string, options: CallOptions & { ifNoneMatch: string }): Promise<Answer<Cart> | NotModified>;
  getCart(id: string, options?: CallOptions): Promise<Answer<Cart>>;
  getCart(id: string, options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<Cart> | NotModified> {
    return this.ask<Cart>({ method: "GET", path: `/v1/carts/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Add items.
   * Adds to the line of the same sku and attributes, unless it has a price of its own.
   * `POST /v1/carts/{id}/items`
   */
  addItems(id: string, body: NewItems, options: CallOptions & { idempotencyKey?: string; ifMatch?: string | number; prefer?: string } = {}): Promise<Answer<CartOrChange>> {
    return this.send<CartOrChange>({ method: "POST", path: `/v1/carts/${encodeURIComponent(id)}/items`, answer: "json", keyed: true, body }, options);
  }

  /**
   * Set a line's quantity.
   * `PATCH /v1/carts/{id}/items/{line}`
   */
  setQuantity(id: string, line: string, body: Quantity, options: CallOptions & { idempotencyKey?: string; ifMatch?: string | number; prefer?: string } = {}): Promise<Answer<CartOrChange>> {
    return this.send<CartOrChange>({ method: "PATCH", path: `/v1/carts/${encodeURIComponent(id)}/items/${encodeURIComponent(line)}`, answer: "json", keyed: true, body }, options);
  }

  /**
   * Remove a line.
   * `DELETE /v1/carts/{id}/items/{line}`
   */
  removeLine(id: string, line: string, options: CallOptions & { idempotencyKey?: string; ifMatch?: string | number; prefer?: string } = {}): Promise<Answer<CartOrChange>> {
    return this.send<CartOrChange>({ method: "DELETE", path: `/v1/carts/${encodeURIComponent(id)}/items/${encodeURIComponent(line)}`, answer: "json", keyed: true }, options);
  }

  // checkout: From a cart to an order: stock is held, money is taken.

  /**
   * Check a cart out.
   * Holds the stock; with `payment` it is paid and ordered in one call. A shop may limit what one buyer holds in open checkouts: hold_limit_reached, and nothing is held.
   * `POST /v1/checkouts`
   */
  createCheckout(body: NewCheckout, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Checkout>> {
    return this.send<Checkout>({ method: "POST", path: "/v1/checkouts", answer: "json", keyed: true, body }, options);
  }

  /**
   * One checkout.
   * `GET /v1/checkouts/{id}`
   */
  getCheckout(id: string, options: CallOptions & { ifNoneMatch: string }): Promise<Answer<Checkout> | NotModified>;
  getCheckout(id: string, options?: CallOptions): Promise<Answer<Checkout>>;
  getCheckout(id: string, options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<Checkout> | NotModified> {
    return this.ask<Checkout>({ method: "GET", path: `/v1/checkouts/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Give a checkout up.
   * Its stock is free again.
   * `POST /v1/checkouts/{id}/cancel`
   */
  cancelCheckout(id: string, body?: Nothing, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Checkout>> {
    return this.send<Checkout>({ method: "POST", path: `/v1/checkouts/${encodeURIComponent(id)}/cancel`, answer: "json", keyed: true, body }, options);
  }

  /**
   * Pay a checkout.
   * Completing a completed one gives the same order.
   * `POST /v1/checkouts/{id}/complete`
   */
  completeCheckout(id: string, body: Completion, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Checkout>> {
    return this.send<Checkout>({ method: "POST", path: `/v1/checkouts/${encodeURIComponent(id)}/complete`, answer: "json", keyed: true, body }, options);
  }

  // orders: What was bought.

  /**
   * List orders.
   * All for staff, their own for customers, who name no other `customer_id`.
   * `GET /v1/orders`
   */
  listOrders(query: ListOrdersQuery = {}, options: CallOptions = {}): Promise<Answer<OrderList>> {
    return this.send<OrderList>({ method: "GET", path: "/v1/orders", answer: "json", query }, options);
  }

  /**
   * One order.
   * `GET /v1/orders/{id}`
   */
  getOrder(id: string, options: CallOptions & { ifNoneMatch: string }): Promise<Answer<Order> | NotModified>;
  getOrder(id: string, options?: CallOptions): Promise<Answer<Order>>;
  getOrder(id: string, options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<Order> | NotModified> {
    return this.ask<Order>({ method: "GET", path: `/v1/orders/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Cancel an order.
   * For staff. Gives the money back, and the units as `returned` movements.
   * `POST /v1/orders/{id}/cancel`
   */
  cancelOrder(id: string, body: Reason, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Order>> {
    return this.send<Order>({ method: "POST", path: `/v1/orders/${encodeURIComponent(id)}/cancel`, answer: "json", keyed: true, body }, options);
  }

  // events: What happened.

  /**
   * What happened, in order.
   * For staff. CloudEvents 1.0, by time; those of one subject in their order, their sequence without gaps unless `types` leaves some out. Nothing before it is committed. Go on with `next_cursor`, also when `has_more` is false or a page is empty.
   * `GET /v1/events`
   */
  listEvents(query: ListEventsQuery = {}, options: CallOptions = {}): Promise<Answer<EventList>> {
    return this.send<EventList>({ method: "GET", path: "/v1/events", answer: "json", query }, options);
  }

  /**
   * What happens, as it happens.
   * For staff. The same as server-sent events, for as long as the connection stays: the data of each is an event, its id where to go on. Of the type `error`: the problem that ended it. As many may follow at a node as the operator lets (503 overloaded).
   * `GET /v1/events/stream`
   */
  streamEvents(query: StreamEventsQuery = {}, options: CallOptions = {}): Promise<Answer<ReadableStream<Uint8Array>>> {
    return this.send<ReadableStream<Uint8Array>>({ method: "GET", path: "/v1/events/stream", answer: "stream", query }, options);
  }

  // webhooks: What happened, sent to others' servers.

  /**
   * Have events sent to a server.
   * For staff. From now on, or from a cursor of the feed on. Takes the scope events:read as well. The secret is shown this once.
   * `POST /v1/webhook_endpoints`
   */
  createWebhookEndpoint(body: NewWebhookEndpoint, options: CallOptions = {}): Promise<Answer<MadeWebhookEndpoint>> {
    return this.send<MadeWebhookEndpoint>({ method: "POST", path: "/v1/webhook_endpoints", answer: "json", body }, options);
  }

  /**
   * List endpoints.
   * For staff.
   * `GET /v1/webhook_endpoints`
   */
  listWebhookEndpoints(query: ListWebhookEndpointsQuery = {}, options: CallOptions = {}): Promise<Answer<WebhookEndpointList>> {
    return this.send<WebhookEndpointList>({ method: "GET", path: "/v1/webhook_endpoints", answer: "json", query }, options);
  }

  /**
   * One endpoint.
   * For staff.
   * `GET /v1/webhook_endpoints/{id}`
   */
  getWebhookEndpoint(id: string, options: CallOptions = {}): Promise<Answer<WebhookEndpoint>> {
    return this.send<WebhookEndpoint>({ method: "GET", path: `/v1/webhook_endpoints/${encodeURIComponent(id)}`, answer: "json" }, options);
  }

  /**
   * Change an endpoint.
   * For staff. What is left out stays. An endpoint that is enabled again goes on where it stopped. Takes the scope events:read as well.
   * `PATCH /v1/webhook_endpoints/{id}`
   */
  changeWebhookEndpoint(id: string, body: WebhookChange, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<WebhookEndpoint>> {
    return this.send<WebhookEndpoint>({ method: "PATCH", path: `/v1/webhook_endpoints/${encodeURIComponent(id)}`, answer: "json", keyed: true, body }, options);
  }

  /**
   * End an endpoint.
   * For staff.
   * `DELETE /v1/webhook_endpoints/{id}`
   */
  removeWebhookEndpoint(id: string, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<RemovedWebhookEndpoint>> {
    return this.send<RemovedWebhookEndpoint>({ method: "DELETE", path: `/v1/webhook_endpoints/${encodeURIComponent(id)}`, answer: "json", keyed: true }, options);
  }

  /**
   * Send events of a range again.
   * For staff. Those of its types, in the order of each subject, before what comes next. Takes the scope events:read as well.
   * `POST /v1/webhook_endpoints/{id}/replay`
   */
  replayWebhookEndpoint(id: string, body: WebhookReplay, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<WebhookEndpoint>> {
    return this.send<WebhookEndpoint>({ method: "POST", path: `/v1/webhook_endpoints/${encodeURIComponent(id)}/replay`, answer: "json", keyed: true, body }, options);
  }

  /**
   * Give an endpoint a new secret.
   * For staff. The one before signs too for a day, or as long as is asked. The secret is shown this once.
   * `POST /v1/webhook_endpoints/{id}/rotate_secret`
   */
  rotateWebhookSecret(id: string, body?: SecretRotation, options: CallOptions = {}): Promise<Answer<MadeWebhookEndpoint>> {
    return this.send<MadeWebhookEndpoint>({ method: "POST", path: `/v1/webhook_endpoints/${encodeURIComponent(id)}/rotate_secret`, answer: "json", body }, options);
  }

  // keys: Who may do what.

  /**
   * Make a key.
   * For staff. Refused where there are as many as there can be.
   * `POST /v1/keys`
   */
  createKey(body: NewKey, query: CreateKeyQuery = {}, options: CallOptions = {}): Promise<Answer<MadeKey>> {
    return this.send<MadeKey>({ method: "POST", path: "/v1/keys", answer: "json", query, body }, options);
  }

  /**
   * List keys.
   * For staff.
   * `GET /v1/keys`
   */
  listKeys(query: ListKeysQuery = {}, options: CallOptions = {}): Promise<Answer<KeyList>> {
    return this.send<KeyList>({ method: "GET", path: "/v1/keys", answer: "json", query }, options);
  }

  /**
   * End a key.
   * For staff.
   * `DELETE /v1/keys/{id}`
   */
  revokeKey(id: string, query: RevokeKeyQuery = {}, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Key>> {
    return this.send<Key>({ method: "DELETE", path: `/v1/keys/${encodeURIComponent(id)}`, answer: "json", keyed: true, query }, options);
  }

  // operations: For those who run it.

  /**
   * This document for people.
   * `GET /docs`
   */
  showApiPage(options: CallOptions = {}): Promise<Answer<string>> {
    return this.send<string>({ method: "GET", path: "/docs", answer: "text" }, options);
  }

  /**
   * The cluster.
   * For staff.
   * `GET /v1/admin/cluster`
   */
  showCluster(options: CallOptions = {}): Promise<Answer<Cluster>> {
    return this.send<Cluster>({ method: "GET", path: "/v1/admin/cluster", answer: "json" }, options);
  }

  /**
   * Change the cluster.
   * For staff.
   * `POST /v1/admin/cluster`
   */
  orderCluster(body: ClusterOrder, options: CallOptions = {}): Promise<Answer<Outcome>> {
    return this.send<Outcome>({ method: "POST", path: "/v1/admin/cluster", answer: "json", body }, options);
  }

  /**
   * The digest of a copy.
   * For staff.
   * `GET /v1/admin/digest`
   */
  showDigest(query: ShowDigestQuery, options: CallOptions = {}): Promise<Answer<Digest>> {
    return this.send<Digest>({ method: "GET", path: "/v1/admin/digest", answer: "json", query }, options);
  }

  /**
   * Messages set aside.
   * For staff.
   * `GET /v1/admin/quarantine`
   */
  showQuarantine(options: CallOptions = {}): Promise<Answer<Quarantine>> {
    return this.send<Quarantine>({ method: "GET", path: "/v1/admin/quarantine", answer: "json" }, options);
  }

  /**
   * The node's figures.
   * For staff.
   * `GET /v1/admin/status`
   */
  showStatus(options: CallOptions = {}): Promise<Answer<Status>> {
    return this.send<Status>({ method: "GET", path: "/v1/admin/status", answer: "json" }, options);
  }

  /**
   * The supervision tree.
   * For staff.
   * `GET /v1/admin/tree`
   */
  showTree(options: CallOptions = {}): Promise<Answer<Tree>> {
    return this.send<Tree>({ method: "GET", path: "/v1/admin/tree", answer: "json" }, options);
  }

  /**
   * This document.
   * `GET /v1/openapi.json`
   */
  showApi(options: CallOptions & { ifNoneMatch: string }): Promise<Answer<Document> | NotModified>;
  showApi(options?: CallOptions): Promise<Answer<Document>>;
  showApi(options: CallOptions & { ifNoneMatch?: string } = {}): Promise<Answer<Document> | NotModified> {
    return this.ask<Document>({ method: "GET", path: "/v1/openapi.json", answer: "json" }, options);
  }

  // test: For those who try it out.

  /**
   * Make an entity throw.
   * In test mode only.
   * `POST /v1/test/crash`
   */
  crashEntity(body: Crash, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<Crashed>> {
    return this.send<Crashed>({ method: "POST", path: "/v1/test/crash", answer: "json", keyed: true, body }, options);
  }

  /**
   * The test provider's books.
   * For staff.
   * `GET /v1/test/payments`
   */
  listTestPayments(options: CallOptions = {}): Promise<Answer<TestPayments>> {
    return this.send<TestPayments>({ method: "GET", path: "/v1/test/payments", answer: "json" }, options);
  }

  /**
   * Authenticate a payment as its buyer would.
   * `POST /v1/test/payments/{id}/authenticate`
   */
  authenticateTestPayment(id: string, body?: Nothing, options: CallOptions & { idempotencyKey?: string } = {}): Promise<Answer<TestPayment>> {
    return this.send<TestPayment>({ method: "POST", path: `/v1/test/payments/${encodeURIComponent(id)}/authenticate`, answer: "json", keyed: true, body }, options);
  }
}
