# Events published to real servers of NATS, from a process that is killed, to servers that are.
find_program(NATS_SERVER nats-server PATHS /usr/sbin REQUIRED)
set(folder ${CMAKE_CURRENT_LIST_DIR}/nats)
souk_test(nats_process_test
  SOURCES ${folder}/nats_process_test.cpp ${folder}/nats_server.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
          ${CMAKE_CURRENT_LIST_DIR}/../http/raw_client.cpp
  LINKS Boost::json fmt::fmt PkgConfig::NATS LABELS cluster TIMEOUT 300)
target_compile_definitions(nats_process_test PRIVATE SOUKD="$<TARGET_FILE:soukd>" NATS_SERVER="${NATS_SERVER}")
add_dependencies(nats_process_test soukd)
souk_test(jetstream_test
  SOURCES ${folder}/jetstream_test.cpp ${folder}/nats_server.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
  LINKS souk_jetstream souk_certificates fmt::fmt LABELS cluster TIMEOUT 120)
target_compile_definitions(jetstream_test PRIVATE NATS_SERVER="${NATS_SERVER}")
