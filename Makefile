# What people type.  The real build is CMake's: see CMakePresets.json.

JOBS ?= $(shell nproc)
HOST ?=

.PHONY: run test bench bench-gate bench-sealed fuzz sabotage deb lint clean

run:		# build, then show the main job: HOST=example.com checks a real host
	@tools/deps run
	@tools/build release
	@tools/run build/release/src/main/midwatch $(HOST)

test:		# everything that CI runs
	@tools/deps test
	@tools/test

bench:		# ratios against a named rival, in one run
	@tools/deps all
	@tools/build release
	@tools/bench build/release

bench-gate:	# the gate beside haproxy, sslsplit, squid and mitmproxy; processor time of each
	@tools/deps bench
	@tools/build release
	@python3 bench/gate.py build/release/src/main/midwatch build/release/bench/gate_load

bench-sealed:	# HPKE, MLS and SFrame beside the bare operations of the same OpenSSL
	@tools/deps run
	@tools/build release
	@tools/bench build/release hpke sframe tree mls

fuzz:		# SECONDS_EACH=600 by default
	@tools/deps test
	@tools/fuzz $${SECONDS_EACH:-600}

sabotage:	# breaks features on purpose; a test must notice each
	@tools/deps test
	@tools/sabotage

lint:		# layout, clang-tidy, cppcheck
	@tools/deps all
	@tools/lint

deb:		# packages in build/deb
	@tools/deps all
	@tools/deb

clean:
	rm -rf build
