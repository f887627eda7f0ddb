souk_test(shard_book_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/flush_turn_test.cpp ${CMAKE_CURRENT_LIST_DIR}/layered_rows_test.cpp ${CMAKE_CURRENT_LIST_DIR}/shard_book_test.cpp
  LINKS souk_book LABELS unit)
souk_test(state_digest_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/state_digest_test.cpp LINKS souk_book LABELS unit)
