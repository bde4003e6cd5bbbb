# How the project's targets are made. A static library per folder, tests beside the code.

# mw_layer(NAME SOURCES... [LINK libs...]): the library of src/NAME.
function(mw_layer name)
    cmake_parse_arguments(A "" "" "LINK" ${ARGN})
    add_library(mw_${name} STATIC ${A_UNPARSED_ARGUMENTS})
    target_include_directories(mw_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src
                                                 ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(mw_${name} PUBLIC ${A_LINK})
endfunction()

# mw_test(NAME SOURCE... [LINK libs...]): a cmocka program, run by ctest as NAME.
# A test that exits 77 is counted as skipped.
function(mw_test name)
    if(NOT MW_TESTS)
        return()
    endif()
    cmake_parse_arguments(A "" "TIMEOUT" "LINK" ${ARGN})
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 120)
    endif()
    add_executable(${name} ${A_UNPARSED_ARGUMENTS})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests
                                               ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(${name} PRIVATE ${A_LINK} cmocka)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${A_TIMEOUT} SKIP_RETURN_CODE 77)
endfunction()

# mw_embed(TARGET SYMBOL FILE): FILE's bytes as `const unsigned char SYMBOL[]` and
# `const size_t SYMBOL_len` inside TARGET; a NUL follows the last byte.
function(mw_embed target symbol file)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${out} -DSYMBOL=${symbol}
                -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()

# mw_exceptions(TARGET): data/exceptions.tsv as base/exceptions.inc, which a source of TARGET includes
# with a macro EXCEPTION of its own.
function(mw_exceptions target)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/exceptions/base/exceptions.inc)
    set(in ${CMAKE_SOURCE_DIR}/data/exceptions.tsv)
    set(script ${CMAKE_SOURCE_DIR}/cmake/exceptions.cmake)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -P ${script}
        DEPENDS ${in} ${script} VERBATIM)
    target_sources(${target} PRIVATE ${out})
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/exceptions)
endfunction()
