souk_test(replica_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/replica_test.cpp ${CMAKE_CURRENT_LIST_DIR}/replica_chaos_test.cpp
  LINKS souk_runtime LABELS actor)
