souk_test(marketplace_desk_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/marketplace_test.cpp
  LINKS souk_marketplace_desk souk_runtime LABELS actor)
