# What makes a fault in a program harder to use against it. Of releases alone: the checks need the optimiser, and debug
# builds have sanitizers.
#
# Not here: -fcf-protection, since Debian 12's start files are not marked for it, so that no program is; and
# _GLIBCXX_ASSERTIONS, which costs time in every container.
include(CheckPIESupported)
check_pie_supported() # so that CMAKE_POSITION_INDEPENDENT_CODE counts for programs too

if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT SOUK_SANITIZE)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
  # All symbols are bound at the start and their table is read-only from then on; no stack is executable.
  add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
