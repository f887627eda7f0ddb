# Links between nodes over real sockets: the transport within one process, and whole links between two.
set(folder ${CMAKE_CURRENT_LIST_DIR}/links)
souk_test(tls_transport_test SOURCES ${folder}/tls_transport_test.cpp LINKS souk_certificates souk_tls_transport LABELS cluster)

add_executable(linked_process ${folder}/linked_process.cpp)
target_link_libraries(linked_process PRIVATE souk_options souk_links souk_tls_transport)
souk_test(links_process_test
  SOURCES ${folder}/links_process_test.cpp ${CMAKE_CURRENT_LIST_DIR}/kill/process.cpp
  LINKS souk_links souk_tls_transport LABELS cluster)
target_compile_definitions(links_process_test PRIVATE LINKED_PROCESS="$<TARGET_FILE:linked_process>")
add_dependencies(links_process_test linked_process)
