# Webhooks over real sockets, from a process that is killed again and again.
souk_test(webhooks_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/webhooks/webhooks_test.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
  LINKS souk_http souk_webhook Boost::json fmt::fmt LABELS cluster TIMEOUT 300)
target_compile_definitions(webhooks_test PRIVATE SOUKD="$<TARGET_FILE:soukd>")
add_dependencies(webhooks_test soukd)
