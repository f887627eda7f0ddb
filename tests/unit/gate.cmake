souk_test(gate_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/client_address_test.cpp ${CMAKE_CURRENT_LIST_DIR}/gate_test.cpp ${CMAKE_CURRENT_LIST_DIR}/../http/probes.cpp
  LINKS souk_http LABELS unit)
