# Finds Debian's C++ Actor Framework 0.17, which ships neither a CMake package nor a pkg-config file.
# Defines CAF::core, CAF::io and CAF::openssl.
find_path(CAF_INCLUDE_DIR caf/all.hpp)
find_library(CAF_CORE_LIBRARY caf_core)
find_library(CAF_IO_LIBRARY caf_io)
find_library(CAF_OPENSSL_LIBRARY caf_openssl)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_CORE_LIBRARY CAF_IO_LIBRARY CAF_OPENSSL_LIBRARY
                                                    CAF_INCLUDE_DIR)
find_package(Threads REQUIRED)

function(souk_import_caf name library)
  if(NOT TARGET CAF::${name})
    add_library(CAF::${name} UNKNOWN IMPORTED)
    set_target_properties(CAF::${name} PROPERTIES IMPORTED_LOCATION "${library}"
                                                  INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
    target_link_libraries(CAF::${name} INTERFACE ${ARGN})
  endif()
endfunction()

souk_import_caf(core "${CAF_CORE_LIBRARY}" Threads::Threads)
# A message type without a type id would corrupt silently on the wire: make it a compile error.
target_compile_definitions(CAF::core INTERFACE CAF_ENABLE_TYPE_ID_CHECKS)
souk_import_caf(io "${CAF_IO_LIBRARY}" CAF::core)
souk_import_caf(openssl "${CAF_OPENSSL_LIBRARY}" CAF::io OpenSSL::SSL)
