# What must be shown, in a small size, with real processes, one at a time: they measure, and they want the processor.
# Of a release alone: it is what script/run builds, and what figures mean.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  foreach(item RANGE 1 8)
    add_test(NAME proof_01_${item} COMMAND script/prove --small 01 ${item} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(proof_01_${item} PROPERTIES
      TIMEOUT 300 LABELS cluster RUN_SERIAL ON ENVIRONMENT "SOUK_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  endforeach()
endif()
