# The version after this one, made of the same sources: see nodes/soukd/CMakeLists.txt.
souk_test(next_version_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/next_version_test.cpp LINKS souk_next LABELS unit)
