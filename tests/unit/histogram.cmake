souk_test(histogram_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/histogram_test.cpp LINKS souk_load LABELS unit)
