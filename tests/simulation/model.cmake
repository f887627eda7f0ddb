# The model of the replication protocol, in bounds that take a minute; script/model --full searches wider ones. It has nothing
# to do with how the sources are built, so it runs beside a release alone.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  foreach(part variants writes reads lost_disks)
    add_test(NAME model_${part} COMMAND script/model ${part} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
    set_tests_properties(model_${part} PROPERTIES TIMEOUT 900 LABELS model)
  endforeach()
endif()
