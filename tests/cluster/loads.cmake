# The loads of `souk bench`, a second or two each, closed and open, against a real node: every answer right, books that balance,
# and reports that are whole.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_test(NAME loads COMMAND tests/cluster/loads/check WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(loads PROPERTIES
    TIMEOUT 300 LABELS cluster RUN_SERIAL ON ENVIRONMENT "SOUK_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endif()
