# The tests of dialling; they share servers with minted certificates.
mw_test(proxy_env_test proxy_env_test.c LINK mw_probe)
