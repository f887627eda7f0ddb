souk_test(simulated_shop_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulated_shop_test.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 600)
if(SOUK_SANITIZE)
  # Sanitizers look at each step and need no rare order of steps: a few seeds do.
  set_tests_properties(simulated_shop_test PROPERTIES ENVIRONMENT SOUK_SEEDS=3)
endif()
souk_test(simulated_cluster_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulated_cluster_test.cpp ${CMAKE_CURRENT_LIST_DIR}/simulation_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/enumeration_test.cpp ${CMAKE_CURRENT_LIST_DIR}/long_day_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/scenarios_test.cpp ${CMAKE_CURRENT_LIST_DIR}/events_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/owners_test.cpp ${CMAKE_CURRENT_LIST_DIR}/../token_issuer.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 1200)
if(SOUK_SANITIZE)
  set_tests_properties(simulated_cluster_test PROPERTIES ENVIRONMENT "SOUK_SEEDS=1;SOUK_STRIDE=40")
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  # One process for each of two cores.
  add_test(NAME simulate_200_seeds COMMAND souk simulate --seeds 200 --jobs 2)
  set_tests_properties(simulate_200_seeds PROPERTIES TIMEOUT 600 LABELS simulation RUN_SERIAL ON)
endif()
souk_test(simulated_webhooks_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/webhooks_test.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 600)
souk_test(simulated_nats_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/nats_test.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 600)
