-- The shop of the comparison, as a developer who knows SQL writes it in an afternoon; read by psql with :skus and :carts.
-- No foreign keys and whole numbers as ids: both make it faster.
CREATE TABLE sku (
  id int PRIMARY KEY,
  title text NOT NULL,
  price bigint NOT NULL,   -- minor units
  on_hand bigint NOT NULL
);
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  total bigint NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now(),
  idempotency_key uuid
);
-- Costs nothing where no key is given.
CREATE UNIQUE INDEX ON orders (idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE TABLE order_line (
  order_id bigint NOT NULL,
  line int NOT NULL,
  sku int NOT NULL,
  quantity int NOT NULL,
  price bigint NOT NULL,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE payment (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL,
  token text NOT NULL,
  amount bigint NOT NULL,
  paid_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE cart_line (
  cart_id int NOT NULL,
  sku int NOT NULL,
  quantity int NOT NULL,
  PRIMARY KEY (cart_id, sku)
);

INSERT INTO sku SELECT n, 'Bench article ' || n, 100 + n * 37 % 9900, 1000000000 FROM generate_series(1, :skus) n;
-- Three lines each; add.sql knows which.
INSERT INTO cart_line SELECT cart, (cart * 3 + line) % :skus + 1, 1
  FROM generate_series(1, :carts) cart, generate_series(0, 2) line;

-- Three lines, an order, a payment. With a key, who repeats it gets the first order.
CREATE FUNCTION checkout(sku1 int, units1 int, sku2 int, units2 int, sku3 int, units3 int, key uuid DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  price1 bigint;
  price2 bigint;
  price3 bigint;
  sum bigint;
  made bigint;
BEGIN
  IF key IS NOT NULL THEN
    SELECT id INTO made FROM orders WHERE idempotency_key = key;
    IF FOUND THEN
      RETURN made;
    END IF;
  END IF;
  UPDATE sku SET on_hand = on_hand - units1 WHERE id = sku1 AND on_hand >= units1 RETURNING price INTO price1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'insufficient stock of sku %', sku1;
  END IF;
  UPDATE sku SET on_hand = on_hand - units2 WHERE id = sku2 AND on_hand >= units2 RETURNING price INTO price2;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'insufficient stock of sku %', sku2;
  END IF;
  UPDATE sku SET on_hand = on_hand - units3 WHERE id = sku3 AND on_hand >= units3 RETURNING price INTO price3;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'insufficient stock of sku %', sku3;
  END IF;
  sum := price1 * units1 + price2 * units2 + price3 * units3;
  INSERT INTO orders (total, idempotency_key) VALUES (sum, key) RETURNING id INTO made;
  INSERT INTO order_line VALUES (made, 1, sku1, units1, price1), (made, 2, sku2, units2, price2),
    (made, 3, sku3, units3, price3);
  INSERT INTO payment (order_id, token, amount) VALUES (made, 'tok_ok', sum);
  RETURN made;
END
$$;
