souk_test(nats_publisher_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/nats_publisher_test.cpp
  LINKS souk_nats_publisher souk_runtime LABELS actor)
