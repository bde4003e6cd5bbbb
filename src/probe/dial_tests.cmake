# The tests of dialling; they share servers with minted certificates.
mw_test(proxy_env_test proxy_env_test.c LINK mw_probe)

set(dial_fixture ${CMAKE_SOURCE_DIR}/tests/dial_fixture.c ${CMAKE_SOURCE_DIR}/tests/peer.c)
mw_test(dial_test dial_test.c ${dial_fixture} LINK mw_probe mw_mill)
mw_test(dial_tls_test dial_tls_test.c ${dial_fixture} LINK mw_probe mw_mill)
mw_test(dial_way_test dial_way_test.c ${dial_fixture} LINK mw_probe mw_mill)
