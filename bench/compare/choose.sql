-- Three different skus in ascending order, or two checkouts could lock each other out; with :hot the last of them, locked the
-- shortest, is among so many hot ones. Quantities of 1 to 3, as shoppers of souk bench want.
\set units1 random(1, 3)
\set units2 random(1, 3)
\set units3 random(1, 3)
\if :hot
\set sku1 random(1, (:skus - :hot) / 2)
\set sku2 random((:skus - :hot) / 2 + 1, :skus - :hot)
\set sku3 random(:skus - :hot + 1, :skus)
\else
\set sku1 random(1, :skus / 3)
\set sku2 random(:skus / 3 + 1, 2 * :skus / 3)
\set sku3 random(2 * :skus / 3 + 1, :skus)
\endif
