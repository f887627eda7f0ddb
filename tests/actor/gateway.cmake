souk_test(gateway_actor_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/gateway_test.cpp ${CMAKE_CURRENT_LIST_DIR}/first_key_test.cpp
  LINKS souk_gateway souk_runtime LABELS actor)
