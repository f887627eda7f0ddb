# The Online Marketplace benchmark, small, against a node that is killed under it.
souk_test(marketplace_process_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/marketplace/marketplace_process_test.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
  LINKS Boost::json LABELS cluster)
target_compile_definitions(marketplace_process_test PRIVATE SOUKD="$<TARGET_FILE:soukd>" SOUK="$<TARGET_FILE:souk>")
add_dependencies(marketplace_process_test soukd souk)
