souk_test(seams_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/seams_test.cpp LINKS souk_seams LABELS unit)
