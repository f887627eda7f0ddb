souk_test(provider_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/provider_test.cpp ${CMAKE_CURRENT_LIST_DIR}/raw_client.cpp
  LINKS souk_payments LABELS http)
