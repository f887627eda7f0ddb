souk_test(test_provider_test
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_provider_test.cpp LINKS souk_test_provider LABELS unit)
