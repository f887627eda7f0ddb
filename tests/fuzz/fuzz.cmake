# Targets that a fuzzer calls with bytes that it made up. Built for libFuzzer by the preset `fuzz` (script/prove 04 1);
# elsewhere `replay.cpp` stands for it, and the seeds and what a number makes of them are a test.
find_library(HTTP_PARSER_LIBRARY http_parser REQUIRED)

set(fuzz_folder "${CMAKE_CURRENT_LIST_DIR}")
add_custom_target(fuzz_targets)
if(NOT TARGET small_tests)
  add_custom_target(small_tests)
endif()

# souk_fuzz(NAME RUNS n LINKS ... [SEEDS other] [SOURCES ...]): NAME.cpp with seeds/NAME and seeds/NAME.dict; as a test it
# makes so many inputs, in some seconds.
function(souk_fuzz name)
  cmake_parse_arguments(ARG "" "RUNS;SEEDS" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_SEEDS)
    set(ARG_SEEDS ${name})
  endif()
  add_executable(fuzz_${name} ${fuzz_folder}/${name}.cpp ${ARG_SOURCES})
  target_link_libraries(fuzz_${name} PRIVATE souk_options ${ARG_LINKS})
  add_dependencies(fuzz_targets fuzz_${name})
  if(SOUK_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_link_libraries(fuzz_${name} PRIVATE fuzz_replay)
  add_test(NAME fuzz_${name}
    COMMAND fuzz_${name} -runs=${ARG_RUNS} -dict=${fuzz_folder}/seeds/${ARG_SEEDS}.dict ${fuzz_folder}/seeds/${ARG_SEEDS})
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
  add_dependencies(small_tests fuzz_${name})
endfunction()

if(NOT SOUK_FUZZ)
  add_library(fuzz_replay OBJECT ${fuzz_folder}/replay.cpp)
  target_link_libraries(fuzz_replay PRIVATE souk_options)
endif()

souk_fuzz(http RUNS 10000 LINKS souk_gate)
souk_fuzz(http_pair RUNS 30000 SEEDS http SOURCES ${fuzz_folder}/second_parser.cpp LINKS souk_gate ${HTTP_PARSER_LIBRARY})
souk_fuzz(client RUNS 10000 LINKS souk_gate)
souk_fuzz(json RUNS 20000 LINKS souk_json_reader)
souk_fuzz(config RUNS 2000 LINKS souk_config)
souk_fuzz(import RUNS 5000 LINKS souk_import_job souk_retail)
souk_fuzz(marketplace RUNS 20000 LINKS souk_marketplace_routes souk_json_reader)
souk_fuzz(links RUNS 30000 LINKS souk_links souk_shop)
souk_fuzz(token RUNS 4000 LINKS souk_tokens)
souk_fuzz(token_keys RUNS 2000 LINKS souk_tokens)
souk_fuzz(records RUNS 10000 LINKS souk_events souk_json_reader souk_shop)

if(NOT SOUK_FUZZ)
  souk_test(second_parser_test
    SOURCES ${fuzz_folder}/second_parser_test.cpp ${fuzz_folder}/second_parser.cpp ${fuzz_folder}/../http/probes.cpp
    LINKS souk_gate ${HTTP_PARSER_LIBRARY} LABELS unit)
endif()
