souk_test(house_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/house_test.cpp LABELS unit)
