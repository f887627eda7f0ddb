souk_test(simulated_shop_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulated_shop_test.cpp
  LINKS souk_testkit souk_json_reader LABELS simulation TIMEOUT 600)
