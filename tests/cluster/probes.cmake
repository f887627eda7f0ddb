# What the shop itself answers of the table of probes, by a real process.
set(folder ${CMAKE_CURRENT_LIST_DIR}/probes)
souk_test(probes_process_test
  SOURCES ${folder}/probes_test.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp ${CMAKE_CURRENT_LIST_DIR}/../http/probes.cpp
  LINKS Boost::json fmt::fmt LABELS cluster TIMEOUT 120)
target_compile_definitions(probes_process_test PRIVATE SOUKD="$<TARGET_FILE:soukd>")
add_dependencies(probes_process_test soukd)
