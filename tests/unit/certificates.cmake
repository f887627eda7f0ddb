souk_test(certificates_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/certificates_test.cpp
          LINKS souk_certificates souk_tls_transport LABELS unit)
