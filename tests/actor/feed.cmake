souk_test(feed_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/feed_test.cpp LINKS souk_runtime LABELS actor)
