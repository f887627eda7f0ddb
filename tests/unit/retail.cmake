# The real year is not part of the project: its test takes the path from SOUK_RETAIL_FILE and says so when it skips.
souk_test(retail_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/retail_test.cpp LINKS souk_retail LABELS unit)
