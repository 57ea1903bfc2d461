# make demo: the same small programs in Rust, Python, Node and C.   make test: everything that is tested.
# make check: formats, lints, types.   make bench: what is fast.   make install PREFIX=: the C library.
# make packages: the Python wheel.   make site: the documentation.

TARGET ?= $(or $(CARGO_TARGET_DIR),target)
PREFIX ?= /usr/local
VENV = $(TARGET)/venv/bin
PYTHON_PATH = $(abspath $(TARGET))/python
PYTHON_FILES = bindings-python benches docs/site.py examples/python tests/runners/python tests/all.py tests/snippets.py

.PHONY: demo test check bench packages site guests-check build python node install clean

# One call of cargo for all of them: one profile, one folder, one set of features. A build of one package alone would resolve
# other features, and compile every dependency again.
build:
	cargo build --locked --workspace --lib --bins --examples
	$(TARGET)/debug/required-pairs

python: build
	python3 bindings-python/build.py --built

node: build
	node bindings-node/build.mjs

demo: build python node
	@echo "== Rust"   && $(TARGET)/debug/examples/agent
	@echo "== Python" && PYTHONPATH=$(PYTHON_PATH) python3 examples/python/agent.py
	@echo "== Node"   && node examples/node/agent.mjs
	@echo "== C"      && examples/c/run.sh
	@echo "== a chat bridge, in Rust" && $(TARGET)/debug/examples/bridge
	@echo "== in Python" && PYTHONPATH=$(PYTHON_PATH) python3 examples/python/bridge.py
	@echo "== in Node"   && node examples/node/bridge.mjs
	@echo "== in C"      && examples/c/run.sh bridge
	@echo "== an HTTP server in Node" && node examples/node/server.mjs
	@echo "== what a component is, in C" && examples/c/run.sh inspect

test: build python node
	tests/setup.sh
	$(VENV)/python tests/all.py
	@echo "== the C example under valgrind" && examples/c/run.sh --valgrind > /dev/null && echo clean

check: build python
	tests/setup.sh check
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path otlp/Cargo.toml --check
	cargo clippy --locked --manifest-path otlp/Cargo.toml --target-dir $(TARGET)/otlp --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace
	$(VENV)/ruff format --check --config bindings-python/pyproject.toml $(PYTHON_FILES)
	$(VENV)/ruff check --config bindings-python/pyproject.toml $(PYTHON_FILES)
	cd bindings-python && $(abspath $(VENV))/mypy
	cd bindings-python && PYTHONPATH=$(PYTHON_PATH) MYPYPATH=$(PYTHON_PATH) \
	  $(abspath $(VENV))/python -m mypy.stubtest astrid_host._native astrid_host.errors
	cd $(TARGET) && PYTHONPATH=$(PYTHON_PATH) $(abspath $(VENV))/python -m pyright --verifytypes astrid_host --ignoreexternal
	cd bindings-node && npm run --silent types && npm run --silent package
	$(VENV)/python docs/site.py
	! cargo tree --locked -p astrid-host -e normal,build --prefix none | grep -E '^(pyo3|napi|cbindgen)'
	@if command -v cargo-deny > /dev/null; then cargo deny --locked check licenses bans sources; \
	  else echo "cargo-deny is not installed: licences were not checked"; fi

# Processor time of the core, of the bindings, in the release profile, and of what a user would pick instead, one after the other;
# then the table of target/bench/results.md. OPERATIONS: words that choose some of the core's and the peers'. What Python and Node
# import is the release build afterwards, until the next `make python node`.
bench:
	cargo bench --locked --workspace --bench core -- $(OPERATIONS)
	node bindings-node/build.mjs --release
	python3 bindings-python/build.py --profile release --built
	python3 benches/bindings/run.py
	python3 benches/peers/run.py $(OPERATIONS)
	python3 benches/table.py

# Compiles the guests anew, which takes two minutes, and compares. The bytes depend on the folder of the checkout, so this says
# something only where the guests were built last. 2: the compiler that made them is not installed here.
guests-check:
	tests/guests/build.sh --check || [ $$? = 2 ]

# A wheel in the release profile, and what comes of it in an empty environment; the npm package and the C library are `make test`'s.
packages:
	tests/setup.sh
	$(VENV)/python -m pip install -q 'maturin>=1.16,<2'
	rm -rf $(TARGET)/wheels
	$(VENV)/maturin build --release --locked --manifest-path bindings-python/Cargo.toml --target-dir $(TARGET)/wheel --out $(TARGET)/wheels
	tests/packages.sh $(TARGET)/wheels/*.whl

# The documentation as static pages, in target/site.
site:
	tests/setup.sh check
	$(VENV)/python docs/site.py

install:
	cargo build --locked --release -p astrid-host-c
	bindings-c/install.sh $(TARGET)/release $(PREFIX)

clean:
	cargo clean
