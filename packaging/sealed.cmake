# The sealed core (HPKE, MLS, SFrame) as libmidwatch-sealed, shared and static.  What it shows is in
# libmidwatch-sealed.map; what it needs of the trust engine comes from libmidwatch.

set(MW_SEALED_DOCDIR ${CMAKE_INSTALL_DATAROOTDIR}/doc/libmidwatch-sealed
    CACHE STRING "Where the examples of libmidwatch-sealed are installed")
set(sealed_map ${CMAKE_CURRENT_SOURCE_DIR}/libmidwatch-sealed.map)
set(sealed_parts)
foreach(part crypt hpke sframe label wire tree keys frame group)
    list(APPEND sealed_parts mw_meet_${part})
endforeach()

# The archives themselves, since as targets each would come a second time, for the sake of another.
set(sealed_files ${sealed_parts})
list(TRANSFORM sealed_files REPLACE "(.+)" "$<TARGET_FILE:\\1>")
list(JOIN sealed_files "," sealed_whole)

add_library(midwatch_sealed SHARED nothing.c)
add_dependencies(midwatch_sealed ${sealed_parts})
set_target_properties(midwatch_sealed PROPERTIES
    OUTPUT_NAME midwatch-sealed VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS "${sealed_map};${sealed_files}")
target_link_libraries(midwatch_sealed PRIVATE
    -Wl,--as-needed "-Wl,--push-state,--whole-archive,${sealed_whole},--pop-state" midwatch_shared
    mw_base OpenSSL::Crypto PkgConfig::SODIUM)
target_link_options(midwatch_sealed PRIVATE -Wl,--version-script=${sealed_map})
if(NOT MW_SANITIZE)             # the sanitizers' own names are the program's to bring
    target_link_options(midwatch_sealed PRIVATE -Wl,-z,defs)
endif()

# The static library is one object, in which every name is local that the map does not show: an
# archive of our objects would fill a program's name space with span_eq() and buf_add().
file(STRINGS ${sealed_map} sealed_names REGEX "^ +mw_.*;$")
list(TRANSFORM sealed_names REPLACE "^ +(mw_.*);$" "--keep-global-symbol=\\1")
set(sealed_relink -r -nostdlib)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}}")
    list(APPEND sealed_relink ${flags} -flto=auto -flinker-output=nolto-rel)
endif()
set(sealed_archive ${CMAKE_CURRENT_BINARY_DIR}/libmidwatch-sealed.a)
add_custom_command(OUTPUT ${sealed_archive}
    COMMAND ${CMAKE_C_COMPILER} ${sealed_relink} -o libmidwatch-sealed.o -Wl,--whole-archive
            ${sealed_files} -Wl,--no-whole-archive $<TARGET_FILE:mw_base>
    COMMAND ${CMAKE_OBJCOPY} --wildcard ${sealed_names} libmidwatch-sealed.o
    COMMAND ${CMAKE_COMMAND} -E rm -f ${sealed_archive}
    COMMAND ${CMAKE_AR} rcs ${sealed_archive} libmidwatch-sealed.o
    DEPENDS ${sealed_parts} mw_base ${sealed_map}
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}
    VERBATIM)
add_custom_target(midwatch_sealed_static ALL DEPENDS ${sealed_archive})

configure_file(libmidwatch-sealed.pc.in libmidwatch-sealed.pc @ONLY)

install(TARGETS midwatch_sealed
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        NAMELINK_COMPONENT dev)
install(TARGETS midwatch-vectors RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${sealed_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libmidwatch-sealed.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# Every example that is not the trust engine's.
file(GLOB sealed_examples CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/examples/*.c)
list(FILTER sealed_examples EXCLUDE REGEX "/(judge|after_handshake)\\.c$")
install(FILES ${sealed_examples} DESTINATION ${MW_SEALED_DOCDIR}/examples)
