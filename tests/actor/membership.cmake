souk_test(membership_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/membership_test.cpp LINKS souk_runtime LABELS actor)
