-- Each statement is a round trip; \gset fails, and the run with it, where an update found not enough stock.
BEGIN;
UPDATE sku SET on_hand = on_hand - :units1 WHERE id = :sku1 AND on_hand >= :units1 RETURNING price AS price1 \gset
UPDATE sku SET on_hand = on_hand - :units2 WHERE id = :sku2 AND on_hand >= :units2 RETURNING price AS price2 \gset
UPDATE sku SET on_hand = on_hand - :units3 WHERE id = :sku3 AND on_hand >= :units3 RETURNING price AS price3 \gset
\set sum :price1 * :units1 + :price2 * :units2 + :price3 * :units3
INSERT INTO orders (total) VALUES (:sum) RETURNING id AS made \gset
INSERT INTO order_line VALUES (:made, 1, :sku1, :units1, :price1), (:made, 2, :sku2, :units2, :price2), (:made, 3, :sku3, :units3, :price3);
INSERT INTO payment (order_id, token, amount) VALUES (:made, 'tok_ok', :sum);
COMMIT;
