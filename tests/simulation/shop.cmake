souk_test(simulated_shop_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulated_shop_test.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 600)
if(SOUK_SANITIZE)
  # Sanitizers look at each step and need no rare order of steps: a few seeds do.
  set_tests_properties(simulated_shop_test PROPERTIES ENVIRONMENT SOUK_SEEDS=3)
endif()
