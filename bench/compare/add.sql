-- One more unit of something that the cart holds, so that carts do not grow while they are measured.
\set cart random(1, :carts)
\set line random(0, 2)
\set sku (:cart * 3 + :line) % :skus + 1
INSERT INTO cart_line VALUES (:cart, :sku, 1) ON CONFLICT (cart_id, sku) DO UPDATE SET quantity = cart_line.quantity + 1;
