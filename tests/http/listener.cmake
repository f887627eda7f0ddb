souk_test(listener_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/listener_test.cpp ${CMAKE_CURRENT_LIST_DIR}/probes.cpp
          ${CMAKE_CURRENT_LIST_DIR}/raw_client.cpp
  LINKS souk_http LABELS http)
souk_test(tls_listener_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/tls_test.cpp ${CMAKE_CURRENT_LIST_DIR}/tls_client.cpp
          ${CMAKE_CURRENT_LIST_DIR}/probes.cpp ${CMAKE_CURRENT_LIST_DIR}/raw_client.cpp
  LINKS souk_http souk_certificates LABELS http)
