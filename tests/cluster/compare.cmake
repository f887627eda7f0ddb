# The comparison with PostgreSQL in its small size: that it runs, and that the books of both sides balance. Skipped where there is no
# PostgreSQL 15.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_test(NAME compare COMMAND bench/compare/compare --small WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  set_tests_properties(compare PROPERTIES
    TIMEOUT 300 LABELS cluster RUN_SERIAL ON SKIP_RETURN_CODE 77 ENVIRONMENT "SOUK_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endif()
