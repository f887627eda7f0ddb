souk_test(cluster_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/cluster_test.cpp LINKS souk_runtime LABELS actor)
