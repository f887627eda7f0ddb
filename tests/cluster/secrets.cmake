# Secrets that clients send to a real process are in none of its logs.
set(folder ${CMAKE_CURRENT_LIST_DIR}/secrets)
souk_test(secrets_test
  SOURCES ${folder}/secrets_test.cpp ${folder}/planted.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
  LINKS Boost::json fmt::fmt LABELS cluster TIMEOUT 120)
target_compile_definitions(secrets_test PRIVATE SOUKD="$<TARGET_FILE:soukd>" SOUK="$<TARGET_FILE:souk>")
add_dependencies(secrets_test soukd souk)
