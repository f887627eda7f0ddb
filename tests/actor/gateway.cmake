souk_test(gateway_actor_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/gateway_test.cpp ${CMAKE_CURRENT_LIST_DIR}/first_key_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/importer_test.cpp
  LINKS souk_importer souk_gateway souk_runtime Boost::json LABELS actor)
