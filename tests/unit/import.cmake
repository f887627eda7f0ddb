souk_test(import_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/import_lines_test.cpp ${CMAKE_CURRENT_LIST_DIR}/import_job_test.cpp
  LINKS souk_import_job LABELS unit)
