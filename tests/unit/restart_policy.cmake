souk_test(restart_policy_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/restart_policy_test.cpp LINKS souk_restart_policy
          LABELS unit)
