souk_test(open_loop_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/open_loop_test.cpp LINKS souk_load LABELS unit)
