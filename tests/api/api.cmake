# What the API's description says, and whether a shop answers so.
souk_test(api_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/document_test.cpp ${CMAKE_CURRENT_LIST_DIR}/tour_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/drawn_test.cpp ${CMAKE_CURRENT_LIST_DIR}/drawn_requests.cpp
          ${CMAKE_CURRENT_LIST_DIR}/drawn_values.cpp ${CMAKE_CURRENT_LIST_DIR}/known_values.cpp
          ${CMAKE_CURRENT_LIST_DIR}/answer_check.cpp ${CMAKE_CURRENT_LIST_DIR}/description.cpp ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
          ${CMAKE_CURRENT_LIST_DIR}/schema_check.cpp
  LINKS souk_testkit souk_json_reader LABELS unit TIMEOUT 120)
