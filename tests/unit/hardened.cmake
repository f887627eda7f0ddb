# Of a release alone: others are not built for operators.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT SOUK_SANITIZE)
  add_test(NAME hardened
    COMMAND ${CMAKE_CURRENT_LIST_DIR}/hardened $<TARGET_FILE:soukd> $<TARGET_FILE:souk>)
  set_tests_properties(hardened PROPERTIES LABELS unit)
endif()
