souk_test(replication_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/replication_primary_test.cpp ${CMAKE_CURRENT_LIST_DIR}/replication_property_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/replication_world.cpp
  LINKS souk_replication LABELS unit)
