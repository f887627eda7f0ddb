souk_test(json_reader_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/json_reader_test.cpp ${CMAKE_CURRENT_LIST_DIR}/json_reader_object_test.cpp
  LINKS souk_json_reader LABELS unit)
