# The cluster's coordination against real etcd processes.
set(folder ${CMAKE_CURRENT_LIST_DIR}/etcd)
souk_test(etcd_client_test SOURCES ${folder}/etcd_client_test.cpp ${folder}/etcd_process.cpp
          LINKS souk_certificates souk_etcd LABELS cluster)
souk_test(etcd_coordinator_test SOURCES ${folder}/coordinator_test.cpp ${folder}/etcd_process.cpp
          LINKS souk_certificates souk_runtime souk_etcd souk_seams LABELS cluster TIMEOUT 240)
# They say how soon things must happen.
set_tests_properties(etcd_client_test etcd_coordinator_test PROPERTIES RUN_SERIAL ON)
