souk_test(keyring_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/keyring_test.cpp LINKS souk_keyring LABELS unit)
