#pragma once

#include "actors/json/problem.hpp"
#include "actors/product/product.pb.h"

#include <vector>

namespace souk::product {

/// What is wrong with a product that a client proposes, with pointers into its body; empty: nothing.
std::vector<json::problem_error> check_product(const pb::Product& product);

}  // namespace souk::product
