souk_test(marketplace_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/marketplace_customer_test.cpp ${CMAKE_CURRENT_LIST_DIR}/marketplace_market_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/marketplace_routes_test.cpp ${CMAKE_CURRENT_LIST_DIR}/marketplace_driver_test.cpp
  LINKS souk_marketplace_routes souk_load LABELS unit)
