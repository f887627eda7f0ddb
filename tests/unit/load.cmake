souk_test(load_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/load_test.cpp ${CMAKE_CURRENT_LIST_DIR}/load_report_test.cpp LINKS souk_load
          LABELS unit)
