# Each public header compiles with nothing before it. Those with a source of their own prove it there, because the
# source includes them first (house_test checks that); the others are compiled here, one generated source each.
set(lonely_headers)
foreach(floor persistence runtime actors bench nodes)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/${floor}/*.hpp")
  foreach(header ${headers})
    string(REGEX REPLACE "\\.hpp$" ".cpp" own_source "${header}")
    if(NOT EXISTS "${PROJECT_SOURCE_DIR}/${own_source}")
      set(generated "${PROJECT_BINARY_DIR}/headers/${own_source}")
      file(CONFIGURE OUTPUT "${generated}" CONTENT "#include \"${header}\"\n")
      list(APPEND lonely_headers "${generated}")
    endif()
  endforeach()
endforeach()
add_library(headers_self_contained OBJECT ${lonely_headers})
add_dependencies(headers_self_contained souk_generated)
target_include_directories(headers_self_contained SYSTEM PRIVATE "${PROJECT_BINARY_DIR}/generated")
target_link_libraries(headers_self_contained PRIVATE souk_options protobuf::libprotobuf CAF::core Boost::json
                                                     spdlog::spdlog PkgConfig::LMDB)
