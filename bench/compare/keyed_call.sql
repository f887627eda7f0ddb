SELECT checkout(:sku1, :units1, :sku2, :units2, :sku3, :units3, gen_random_uuid());
