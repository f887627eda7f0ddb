#pragma once

#include "actors/json/writer.hpp"
#include "actors/product/product.pb.h"

#include <string>

namespace souk::product {

/// Writes a product as clients see it, as one value. What belongs to others (availability) is not part of it.
void write_product(json::writer& out, const pb::Product& product);
std::string product_json(const pb::Product& product);

}  // namespace souk::product
