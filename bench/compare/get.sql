\set cart random(1, :carts)
SELECT l.sku, s.title, l.quantity, s.price, l.quantity * s.price AS total
FROM cart_line l JOIN sku s ON s.id = l.sku WHERE l.cart_id = :cart;
