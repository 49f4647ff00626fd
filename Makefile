# tapdeck. `make help` lists the targets. Nothing is written outside build/ but by install, deps and run.
BUILD  ?= release
O      ?= build
B      := $(O)/$(BUILD)
PREFIX ?= /usr/local
CC_fuzz := clang
CC     := $(or $(CC_$(BUILD)),$(if $(filter default,$(origin CC)),gcc,$(CC)))
FUZZ_S ?= 60
FUZZ   ?=
V      ?=
Q      := $(if $(V),,@)
JOBS   := $(shell nproc 2>/dev/null || echo 1)
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

VERSION := 0.1
LIBEXECDIR := $(PREFIX)/libexec/tapdeck

# --- what the system must have ---
PKGS := libpcap libssh2 sqlite3 ncursesw libuv libseccomp libcrypto libnghttp2
MISSING := $(shell for p in $(PKGS); do pkg-config --exists $$p 2>/dev/null || echo $$p; done)
DEBS_BUILD := build-essential pkg-config libpcap-dev libssh2-1-dev libsqlite3-dev libncurses-dev libuv1-dev \
	libseccomp-dev libssl-dev libnghttp2-dev libcap2-bin
DEBS_CHECK := libcmocka-dev tmux tcpdump tshark openssh-server openssh-client iproute2 procps iputils-ping netcat-openbsd socat sqlite3 jq gzip zstd lz4 xz-utils shellcheck \
	mandoc python3 clang libclang-rt-14-dev clang-tidy clang-format cppcheck util-linux

# --- flags ---
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wwrite-strings \
	-Wpointer-arith -Wcast-qual -Wvla -Wformat=2 -Wundef -Wimplicit-fallthrough
WARN += $(if $(DEV),-Werror)
CFLAGS_release := -O3 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
# What every packet and every row comes by is put in line across files where programs are linked; tests take the same
# objects as they are.
LTO := $(if $(filter release,$(BUILD)),$(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects))
LTO_MODULES := base table capfile decode flow reader
CFLAGS_static  := -O2 -g -fstack-protector-strong
CFLAGS_debug   := -O0 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS_cov     := -O0 -g --coverage
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
# --no-warnings: glibc names each call that a host without its modules answers from files alone, which is what is wanted.
LDFLAGS_static := -static -s -Wl,--no-warnings
LDFLAGS_asan   := -fsanitize=address,undefined
LDFLAGS_fuzz   := -fsanitize=address,undefined
LDFLAGS_cov    := --coverage
PKGCF    := $(shell pkg-config --cflags $(filter-out $(MISSING),$(PKGS)) 2>/dev/null)
CPPFLAGS := -Iinclude -D_GNU_SOURCE -DTAPDECK_VERSION='"$(VERSION)"' -DTAPDECK_PREFIX='"$(PREFIX)"' $(PKGCF)
CFLAGS   := -std=c11 $(WARN) $(CFLAGS_$(BUILD)) $(EXTRA_CFLAGS)
LDFLAGS  := $(LDFLAGS_$(BUILD))

# --- modules: one archive each; DEP_x is what x needs, itself first (tests/style/layers.txt holds the same) ---
MODULES := base wire table bpf capfile journal decode flow analysis tap reader link agent
DEP_base     := base
DEP_wire     := wire base
DEP_table    := table $(DEP_wire)
DEP_bpf      := bpf base
DEP_capfile  := capfile base
DEP_journal  := journal $(DEP_wire)
DEP_decode   := decode base
DEP_flow     := flow $(DEP_decode)
DEP_analysis := analysis flow decode table wire base
DEP_tap      := tap journal bpf capfile table wire base
DEP_reader   := reader analysis flow decode journal bpf capfile table wire base
DEP_link     := link wire base
DEP_agent    := agent tap reader link analysis flow decode journal bpf capfile table wire base
DEP_ssh      := ssh wire base
DEP_db       := db journal table wire base
DEP_tui      := tui link table wire base
LIBS_base    := $(if $(filter static,$(BUILD)),-luv_a -ldl,-luv) -lpthread
LIBS_pcap    := -lpcap -lseccomp
# From archives, so that the process that reads packets starts no library that it needs a few functions of.
LIBS_decode  := -l:libcrypto.a
LIBS_flow    := $(LIBS_decode)
LIBS_analysis := -l:libnghttp2.a $(LIBS_decode)
LIBS_tap     := $(LIBS_pcap)
LIBS_bpf     := $(LIBS_pcap)
LIBS_reader  := $(LIBS_pcap) $(LIBS_analysis)
LIBS_agent   := $(LIBS_pcap) $(LIBS_analysis)
LIBS_ssh     := -lssh2 -lcrypto
LIBS_db      := -lsqlite3
LIBS_tui     := -lncursesw -ltinfo -lm

SRC_ssh := $(wildcard backend/ssh/*.c)
SRC_db  := $(wildcard db/*.c)
SRC_tui := $(wildcard tui/*.c tui/*/*.c)
$(foreach m,$(MODULES),$(eval SRC_$(m) := $(wildcard backend/$(m)/*.c)))
# What stands for libraries that have no archive belongs to no module's archive: only the static program links it.
STATIC_agent := $(wildcard backend/agent/static_*.c)
SRC_agent := $(filter-out $(STATIC_agent),$(SRC_agent))
ALLMODULES := $(MODULES) ssh db tui
$(foreach m,$(ALLMODULES),$(eval OBJ_$(m) := $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(SRC_$(m))))))
archives = $(foreach m,$(DEP_$(1)),$(B)/lib/$(m).a)
link = $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

PROGRAMS := $(B)/bin/tapdeck $(B)/bin/tapdeckd $(B)/bin/tapdeck-tap $(B)/bin/tapdeck-ssh $(B)/bin/tapdeck-store
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/*/fuzz_*.c))
FUZZED := $(strip $(if $(FUZZ),$(foreach f,$(FUZZERS),$(if $(findstring $(FUZZ),$(notdir $(f))),$(f))),$(FUZZERS)))
TOOLS := $(patsubst tests/tools/%.c,$(B)/tests/tools/%,$(wildcard tests/tools/*.c))
FAULTS := $(B)/tests/tools/faults.so
BENCHES := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps deps-check run check check-quick bench fuzz fuzzed corpora fuzz-run soak asan asan-run lint style format install uninstall dist \
	static clean units tools programs need

all: need programs ## build everything into build/release (installs nothing)

need:
ifneq ($(MISSING),)
	@echo "tapdeck needs what this machine has not: $(MISSING)"; \
	echo "Run 'make deps' (as root or with sudo), or install: $(DEBS_BUILD)"; exit 1
endif

programs: $(PROGRAMS)
units: $(UNITS)
tools: $(TOOLS) $(FAULTS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' Makefile | expand -t 16

$(foreach m,$(LTO_MODULES),$(OBJ_$(m))): CFLAGS += $(LTO)
$(B)/%.o: %.c
	@echo '  CC   $<'; mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define ARCHIVE
$(B)/lib/$(1).a: $(OBJ_$(1))
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)ar rcs $$@ $$(OBJ_$(1))
endef
$(foreach m,$(ALLMODULES),$(eval $(call ARCHIVE,$(m))))

$(B)/bin/tapdeck: $(B)/tui/main.o $(call archives,tui)
$(B)/bin/tapdeck: LINKLIBS := $(LIBS_tui) $(LIBS_base)
$(B)/bin/tapdeckd: $(B)/backend/agent/main.o $(call archives,agent)
$(B)/bin/tapdeckd: LINKLIBS := $(LIBS_agent) $(LIBS_base)
$(B)/bin/tapdeck-tap: $(B)/backend/tap/main.o $(call archives,tap)
$(B)/bin/tapdeck-tap: LINKLIBS := $(LIBS_pcap) $(LIBS_base)
$(B)/bin/tapdeck-ssh: $(B)/backend/ssh/main.o $(call archives,ssh)
$(B)/bin/tapdeck-ssh: LINKLIBS := $(LIBS_ssh) $(LIBS_base)
$(B)/bin/tapdeck-store: $(B)/db/main.o $(call archives,db)
$(B)/bin/tapdeck-store: LINKLIBS := $(LIBS_db) $(LIBS_base)
$(PROGRAMS):
	@echo '  LINK $@'; mkdir -p $(@D)
	$(Q)$(link) $(LTO) $(LINKLIBS)

# --- tests: tests/unit/MODULE/test_x.c is linked with MODULE and what it may use ---
define UNIT
$(B)/tests/$(1)/$(2)/%: $(B)/tests/$(1)/$(2)/%.o $(call archives,$(2))
	@echo '  LINK $$@'; mkdir -p $$(@D)
	$$(Q)$$(link) $$(if $$(LTO),-fno-lto) $(3) $(LIBS_$(2)) $(if $(filter db,$(2)),,$(LIBS_pcap_$(2))) $(LIBS_base)
endef
$(foreach m,$(ALLMODULES),$(eval $(call UNIT,unit,$(m),-lcmocka)))
$(foreach m,$(ALLMODULES),$(eval $(call UNIT,fuzz,$(m),-fsanitize=fuzzer)))
$(B)/tests/unit/%.o $(B)/tests/fuzz/%.o: CPPFLAGS += -Itests
$(B)/tests/tools/%: $(B)/tests/tools/%.o $(call archives,table)
	$(Q)mkdir -p $(@D); $(link) $(if $(LTO),-fno-lto) -lutil -lpcap $(LIBS_base)
$(FAULTS): tests/tools/preload/faults.c
	@echo '  LINK $@'; mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=c11 $(WARN) -O1 -g -shared -fPIC -o $@ $< -ldl
$(B)/tests/bench/%: $(B)/tests/bench/%.o
	$(Q)mkdir -p $(@D); $(link)
$(B)/tests/bench/counters: $(B)/tests/bench/counters.o $(call archives,bpf)
	@mkdir -p $(@D)
	$(Q)$(link) $(if $(LTO),-fno-lto) $(LIBS_bpf) $(LIBS_base)

# --- checks ---
CHECK_ENV = B=$(B) O=$(O) TAPDECK_CAPTURES=$(or $(TAPDECK_CAPTURES),$(wildcard ../shared/captures))
PROVE := prove --merge -e tests/unit/run
UNIT_ENV := CMOCKA_MESSAGE_OUTPUT=tap

style: all ## the rules that are programs
	$(Q)B=$(B) tests/style/run

check-quick: need units programs tools ## unit tests only
	$(Q)$(CHECK_ENV) $(UNIT_ENV) $(PROVE) -j2 $(UNITS)

check: deps-check ## everything: unit, golden, screen, live and style tests (installs what they need, as root or with sudo)
	$(Q)$(SUBMAKE) programs units tools static
	$(Q)$(CHECK_ENV) $(UNIT_ENV) $(PROVE) -j4 $(UNITS) tests/style/run $(wildcard tests/golden/run tests/screen/run) \
		$(wildcard tests/live/*.t)

asan: deps-check ## unit tests, golden files, fuzz corpora and one live test under ASan and UBSan
	$(Q)$(SUBMAKE) BUILD=asan programs units tools
	$(Q)$(MAKE) --no-print-directory BUILD=asan asan-run
	$(Q)$(SUBMAKE) BUILD=fuzz corpora
asan-run:
	$(Q)$(CHECK_ENV) $(UNIT_ENV) $(PROVE) -j2 $(UNITS) tests/golden/run tests/live/cli.t

fuzz: deps-check ## every fuzzer (FUZZ=NAME: those with it in their name) for FUZZ_S seconds, JOBS at a time
	$(Q)$(SUBMAKE) BUILD=fuzz fuzzed
	$(Q)$(MAKE) --no-print-directory BUILD=fuzz fuzz-run
fuzzed: $(FUZZED)
corpora: $(FUZZERS)
	$(Q)for f in $(FUZZERS); do d=tests/fuzz/corpus/$$(basename $$f); [ ! -d $$d ] || $$f -runs=0 -verbosity=0 $$d || exit 1; done; \
	echo "the corpora of $(words $(FUZZERS)) fuzzers were read"
fuzz-run: $(FUZZED)
	$(Q)$(if $(FUZZED),,$(error no fuzzer has $(FUZZ) in its name))printf '%s\n' $(FUZZED) | xargs -P $(JOBS) -I{} tests/fuzz/one {} $(FUZZ_S) $(O)/corpus

bench: all tools $(BENCHES) $(B)/tests/unit/db/test_figures ## the figures, ours and the peers' on the same input in the same run
	$(Q)$(CHECK_ENV) tests/bench/run

soak: all tools ## long runs: 500 kills, each followed by recovery
	$(Q)$(CHECK_ENV) $(PROVE) -v $(wildcard tests/soak/*.t)

lint: export LINT_FLAGS := $(CPPFLAGS)
lint: ## clang-tidy, cppcheck, mandoc over everything
	$(Q)tests/style/lint

format: ## clang-format on the lines that were changed
	$(Q)git clang-format --extensions c,h HEAD 2>/dev/null || clang-format -i $$(git diff --name-only HEAD -- '*.c' '*.h')

# --- machine ---
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
deps: ## install what building needs (Debian, as root or with sudo)
	$(Q)tests/deps "$(SUDO)" $(DEBS_BUILD)
deps-check: deps
	$(Q)tests/deps "$(SUDO)" $(DEBS_CHECK)

run: ## build, give this machine's tap its right, open the console
	$(Q)tests/deps "$(SUDO)" $(DEBS_BUILD)
	$(Q)$(SUBMAKE) programs
	$(Q)B=$(B) SUDO="$(SUDO)" tests/run $(ARGS)

static: need $(O)/static/bin/tapdeckd ## tapdeckd (and tapdeck-tap under that name) as one static file
ifeq ($(BUILD),static)
$(O)/static/bin/tapdeckd: $(patsubst %.c,$(B)/%.o,$(STATIC_agent))
else
.PHONY: $(O)/static/bin/tapdeckd
$(O)/static/bin/tapdeckd:
	$(Q)$(MAKE) --no-print-directory BUILD=static $@
endif

# --- installation ---
MAN1 := man/tapdeck.1
MAN5 := man/tapdeck.conf.5 man/tapdeckd.conf.5
MAN7 := man/tapdeck-protocol.7
MAN8 := man/tapdeckd.8
UNITDIR := $(PREFIX)/lib/systemd
install: all ## into DESTDIR/PREFIX; as root without DESTDIR the tap gets its right
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/tapdeck share/man/man1 share/man/man5 share/man/man7 share/man/man8 \
		share/bash-completion/completions lib/systemd/system lib/systemd/user)
	install -m 755 $(B)/bin/tapdeck $(B)/bin/tapdeckd $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(B)/bin/tapdeck-ssh $(B)/bin/tapdeck-store $(DESTDIR)$(LIBEXECDIR)/
	install -m 750 $(B)/bin/tapdeck-tap $(DESTDIR)$(LIBEXECDIR)/
	install -m 644 $(MAN1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(MAN5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(MAN7) $(DESTDIR)$(PREFIX)/share/man/man7/
	install -m 644 $(MAN8) $(DESTDIR)$(PREFIX)/share/man/man8/
	sed 's,@PREFIX@,$(PREFIX),' backend/agent/tapdeckd.service.in >$(DESTDIR)$(UNITDIR)/system/tapdeckd.service
	sed 's,@PREFIX@,$(PREFIX),' backend/agent/tapdeckd.socket.in >$(DESTDIR)$(UNITDIR)/system/tapdeckd.socket
	sed 's,@PREFIX@,$(PREFIX),' backend/agent/tapdeckd-user.service.in >$(DESTDIR)$(UNITDIR)/user/tapdeckd.service
	$(B)/bin/tapdeck help --bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tapdeck
	$(if $(DESTDIR),,$(Q)tests/tap-right $(LIBEXECDIR)/tapdeck-tap)

uninstall: ## takes away what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/tapdeck bin/tapdeckd share/man/man1/tapdeck.1 share/man/man5/tapdeck.conf.5 \
		share/man/man5/tapdeckd.conf.5 share/man/man7/tapdeck-protocol.7 share/man/man8/tapdeckd.8 \
		share/bash-completion/completions/tapdeck lib/systemd/system/tapdeckd.service lib/systemd/system/tapdeckd.socket \
		lib/systemd/user/tapdeckd.service)
	rm -rf $(DESTDIR)$(LIBEXECDIR)

dist: ## a tar file of the last commit
	$(Q)mkdir -p $(O); git archive --prefix=tapdeck-$(VERSION)/ -o $(O)/tapdeck-$(VERSION).tar.gz HEAD && echo $(O)/tapdeck-$(VERSION).tar.gz

clean: ## removes build/
	rm -rf $(O)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
