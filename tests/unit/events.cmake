souk_test(events_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/event_kinds_test.cpp ${CMAKE_CURRENT_LIST_DIR}/event_cursor_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/event_merge_test.cpp ${CMAKE_CURRENT_LIST_DIR}/event_routes_test.cpp
  LINKS souk_routes LABELS unit)
