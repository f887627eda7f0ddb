souk_test(values_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/values_money_test.cpp ${CMAKE_CURRENT_LIST_DIR}/values_id_test.cpp ${CMAKE_CURRENT_LIST_DIR}/values_http_date_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/values_sha256_test.cpp ${CMAKE_CURRENT_LIST_DIR}/json_etag_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/json_writer_test.cpp ${CMAKE_CURRENT_LIST_DIR}/json_problem_test.cpp
  LINKS souk_values Boost::json fmt::fmt LABELS unit)
