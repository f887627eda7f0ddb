# A real process that root starts, as another user.
set(folder ${CMAKE_CURRENT_LIST_DIR}/privileges)
souk_test(privileges_test
  SOURCES ${folder}/privileges_test.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
  LINKS Boost::json fmt::fmt LABELS cluster TIMEOUT 120)
target_compile_definitions(privileges_test PRIVATE SOUKD="$<TARGET_FILE:soukd>")
add_dependencies(privileges_test soukd)
