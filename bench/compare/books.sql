-- What must hold when all is done: units, money and numbers add up, and there is an order for each checkout that was answered.
SELECT (SELECT sum(on_hand) FROM sku) + (SELECT coalesce(sum(quantity), 0) FROM order_line) = :skus * 1000000000::bigint AS units,
  (SELECT count(*) FROM orders) = :answered AS orders,
  (SELECT count(*) FROM order_line) = 3 * :answered AS lines,
  (SELECT count(DISTINCT order_id) FROM payment) = :answered AS payments,
  (SELECT coalesce(sum(total), 0) FROM orders) = (SELECT coalesce(sum(quantity * price), 0) FROM order_line) AS totals,
  (SELECT coalesce(sum(total), 0) FROM orders) = (SELECT coalesce(sum(amount), 0) FROM payment) AS money,
  (SELECT sum(quantity) FROM cart_line) = 3 * :carts + :added AS carts;
