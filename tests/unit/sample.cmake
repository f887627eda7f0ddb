souk_test(sample_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/sample_test.cpp LINKS Boost::json LABELS unit)
