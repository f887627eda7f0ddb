souk_test(courier_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/courier_test.cpp
  LINKS souk_webhook_courier souk_http souk_certificates LABELS http)
