souk_test(types_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/trace_context_test.cpp ${CMAKE_CURRENT_LIST_DIR}/types_test.cpp LINKS souk_decider LABELS unit)
