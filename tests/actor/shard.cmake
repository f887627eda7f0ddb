souk_test(shard_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/shard_test.cpp LINKS souk_runtime LABELS actor)
