souk_test(gateway_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/admission_test.cpp ${CMAKE_CURRENT_LIST_DIR}/overload_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/tenant_shares_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gateway_access_test.cpp ${CMAKE_CURRENT_LIST_DIR}/gateway_compression_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gateway_token_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../token_issuer.cpp ${CMAKE_CURRENT_LIST_DIR}/gateway_text_test.cpp ${CMAKE_CURRENT_LIST_DIR}/gateway_call_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gateway_routes_test.cpp ${CMAKE_CURRENT_LIST_DIR}/gateway_input_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/gateway_shop_test.cpp ${CMAKE_CURRENT_LIST_DIR}/gateway_staff_test.cpp
  LINKS souk_routes ZLIB::ZLIB LABELS unit)
