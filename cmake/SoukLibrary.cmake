# souk_library(NAME SOURCES ... [PROTOS ...] [LINKS ...]): one floor, or one part of a floor, as a static library.
# Includes are written from the root of the repository; generated Protobuf headers mirror it in the build tree.
function(souk_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PROTOS;LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  souk_mutants(${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC souk_options ${ARG_LINKS})
  if(ARG_PROTOS)
    souk_protobuf(${name}_protos ${ARG_PROTOS})
    target_link_libraries(${name} PUBLIC ${name}_protos)
  endif()
endfunction()

# souk_mutants(SOURCES ...): in a build with planted bugs, the sources that have some are told. All others are
# compiled as ever, so that they come from the compiler's cache.
function(souk_mutants)
  if(NOT SOUK_MUTANTS)
    return()
  endif()
  foreach(source ${ARGN})
    get_filename_component(path "${source}" ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
    file(STRINGS "${path}" includes REGEX "^#include \"runtime/mutant.hpp\"")
    if(includes)
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS SOUK_MUTANTS)
    endif()
  endforeach()
endfunction()

# souk_protobuf(NAME FILES...): compiles schemas into a library of their own, without our warnings or lint.
function(souk_protobuf name)
  set(generated)
  foreach(proto ${ARGN})
    get_filename_component(path "${proto}" ABSOLUTE)
    file(RELATIVE_PATH relative "${PROJECT_SOURCE_DIR}" "${path}")
    string(REGEX REPLACE "\\.proto$" "" stem "${relative}")
    set(out "${PROJECT_BINARY_DIR}/generated/${stem}")
    get_filename_component(folder "${out}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(
      OUTPUT "${out}.pb.cc" "${out}.pb.h"
      COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --cpp_out=${PROJECT_BINARY_DIR}/generated
              ${relative}
      DEPENDS "${path}"
      WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    list(APPEND generated "${out}.pb.cc")
  endforeach()
  add_library(${name} STATIC ${generated})
  # What reads our sources without building them (clang-tidy) needs the generated headers alone.
  add_custom_target(${name}_generated DEPENDS ${generated})
  add_dependencies(${name} ${name}_generated)
  if(NOT TARGET souk_generated)
    add_custom_target(souk_generated)
  endif()
  add_dependencies(souk_generated ${name}_generated)
  target_include_directories(${name} SYSTEM PUBLIC "${PROJECT_BINARY_DIR}/generated")
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  set_target_properties(${name} PROPERTIES CXX_CLANG_TIDY "" DISABLE_PRECOMPILE_HEADERS ON)
endfunction()

# souk_test(NAME LINKS ... SOURCES ... [LABELS ...]): one GoogleTest program, run as one test by CTest. The target
# `small_tests` builds all that are not labelled cluster: they stay in one process, and run under sanitizers too.
function(souk_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE souk_options ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if(NOT "cluster" IN_LIST ARG_LABELS)
    if(NOT TARGET small_tests)
      add_custom_target(small_tests)
    endif()
    add_dependencies(small_tests ${name})
  endif()
endfunction()
