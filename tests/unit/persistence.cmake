souk_test(persistence_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/persistence_contract_test.cpp ${CMAKE_CURRENT_LIST_DIR}/persistence_lmdb_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/persistence_log_test.cpp ${CMAKE_CURRENT_LIST_DIR}/persistence_memory_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/persistence_property_test.cpp
  LINKS souk_persistence PkgConfig::LMDB
  LABELS unit)
