souk_test(histories_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/histories_test.cpp LINKS souk_histories LABELS unit)
