souk_test(links_codec_test SOURCES ${CMAKE_CURRENT_LIST_DIR}/links_codec_test.cpp LINKS souk_links LABELS unit)
