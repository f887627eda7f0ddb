# The cluster's coordination against real etcd processes.
set(folder ${CMAKE_CURRENT_LIST_DIR}/etcd)
souk_test(etcd_client_test SOURCES ${folder}/etcd_client_test.cpp ${folder}/etcd_process.cpp LINKS souk_etcd
          LABELS cluster)
