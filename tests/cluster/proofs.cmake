# What must be shown, in a small size, with real processes, one at a time: they measure, and they want the processor.
# Of a release alone: it is what script/run builds, and what figures mean.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  set(items_01 1 2 3 4 5 6 7 8)
  set(items_02 1 2 3 4 5 6 7 8 9 10 11)
  set(items_04 2 5 6 7 8)
  set(items_05 1 6 8 9)
  foreach(issue 01 02 04 05)
    foreach(item ${items_${issue}})
      set(name proof_${issue}_${item})
      add_test(NAME ${name} COMMAND script/prove --small ${issue} ${item} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
      set_tests_properties(${name} PROPERTIES
        TIMEOUT 300 LABELS cluster RUN_SERIAL ON ENVIRONMENT "SOUK_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    endforeach()
  endforeach()
  # The comparison with PostgreSQL: that it runs, and that the books of both sides balance. Skipped where there is no PostgreSQL 15.
  set_tests_properties(proof_05_1 PROPERTIES SKIP_RETURN_CODE 77)
endif()
