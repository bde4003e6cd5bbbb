# Compiler flags, for every target of the project.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)

add_compile_definitions(_DEFAULT_SOURCE _POSIX_C_SOURCE=200809L)
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wpointer-arith
    -Wcast-align -Wformat=2 -Wundef -Wvla -Wnull-dereference -Wimplicit-fallthrough
    -fno-common -fno-strict-aliasing)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()
if(MW_WERROR)
    add_compile_options(-Werror)
endif()
if(MW_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
if(MW_HARDEN)
    add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    # What depends on the processor or the compiler's age: x86 has -fcf-protection, 64-bit ARM
    # the next one. The compiler is asked, since it knows what it builds for.
    include(CheckCCompilerFlag)
    set(CMAKE_REQUIRED_FLAGS -Werror)   # clang only warns
    foreach(flag -fcf-protection -mbranch-protection=standard -fstack-clash-protection
                 -ftrivial-auto-var-init=zero)
        string(MAKE_C_IDENTIFIER "MW_HAS${flag}" has)
        check_c_compiler_flag("${flag}" ${has})
        if(${has})
            add_compile_options(${flag})
        endif()
    endforeach()
    unset(CMAKE_REQUIRED_FLAGS)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
    include(CheckPIESupported)
    check_pie_supported(LANGUAGES C)
endif()
