souk_test(links_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/links_test.cpp ${CMAKE_CURRENT_LIST_DIR}/links_chaos_test.cpp
  LINKS souk_links souk_runtime LABELS actor)
