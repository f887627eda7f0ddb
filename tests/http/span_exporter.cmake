souk_test(span_exporter_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/span_exporter_test.cpp LINKS souk_service LABELS http)
