#include "runtime/supervision/type_name.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace souk::supervision {

std::string name_of_type(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name{
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free};
  return name ? name.get() : type.name();
}

std::string type_of(const std::exception& error) { return name_of_type(typeid(error)); }

}  // namespace souk::supervision
