# Access tokens at a node as a process of its own, with its file of keys; and who may call what, over its socket.
souk_test(tokens_process_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/tokens/tokens_process_test.cpp ${CMAKE_CURRENT_LIST_DIR}/tokens/access_process_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/tokens/shared_process_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/tokens/hold_limits_process_test.cpp
          ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp ${CMAKE_CURRENT_LIST_DIR}/../token_issuer.cpp
  LINKS souk_routes LABELS cluster)
target_compile_definitions(tokens_process_test PRIVATE SOUKD="$<TARGET_FILE:soukd>")
add_dependencies(tokens_process_test soukd)
