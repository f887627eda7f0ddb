souk_test(backup_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/backup_test.cpp LINKS souk_backup LABELS unit)
