souk_test(config_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/config_test.cpp LINKS souk_config LABELS unit)
