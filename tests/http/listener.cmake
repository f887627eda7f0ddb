souk_test(listener_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/listener_test.cpp ${CMAKE_CURRENT_LIST_DIR}/probes.cpp
          ${CMAKE_CURRENT_LIST_DIR}/raw_client.cpp
  LINKS souk_http LABELS http)
