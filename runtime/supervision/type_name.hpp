#pragma once

#include <exception>
#include <string>
#include <typeinfo>

/// Names of types, for logs: where what a thing says of itself could hold what a client sent.
namespace souk::supervision {

std::string name_of_type(const std::type_info& type);

/// What an exception is, without its text.
std::string type_of(const std::exception& error);

}  // namespace souk::supervision
