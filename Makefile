PYTHON ?= python3
UV_COMPILE = .venv/bin/uv --system-certs pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet
# What a person has set for M1 or for pytest must not change what the tests say.
LEAKS = M1_% DJANGO_% PYTEST_% REDIS_% ANTHROPIC_% DATABASE_URL SECRET_KEY PYTHONPATH PYTHONDONTWRITEBYTECODE
CLEAN = env $(foreach name,$(filter $(LEAKS),$(.VARIABLES)),-u $(name))
PYTEST = $(CLEAN) .venv/bin/python -m pytest

.PHONY: help demo test check races faults brokers lock screenshots
help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## */\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo:  ## install and start everything; RESET=1 begins afresh
	@$(PYTHON) deploy/bootstrap.py
	@exec .venv/bin/m1 demo $(if $(filter 1,$(RESET)),--reset)

# Two processes, side by side: Playwright's event loop and Django's ORM do not share one. Two workers for each
# processor, since those that break real servers wait much of their time.
test:  ## all tests, on PostgreSQL and in Chromium
	@$(PYTHON) deploy/bootstrap.py --dev --browser
	@mkdir -p var; status=0; \
	DJANGO_ALLOW_ASYNC_UNSAFE=1 $(PYTEST) -q tests/e2e $(E2E) > var/e2e.log 2>&1 & e2e=$$!; \
	trap "kill $$e2e" INT TERM; \
	$(PYTEST) -q -n $$(($$(nproc) * 2)) --no-loadscope-reorder --ignore tests/e2e || status=$$?; \
	wait $$e2e || status=$$?; cat var/e2e.log; exit $$status

check:  ## what must hold before a commit: style, types, migrations, all tests
	@$(PYTHON) deploy/bootstrap.py --dev --browser
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	$(CLEAN) .venv/bin/mypy
	$(CLEAN) DJANGO_SETTINGS_MODULE=tests.settings .venv/bin/python -m django makemigrations --check
	@$(MAKE) --no-print-directory test E2E=--require-e2e

races:  ## the races again, 2000 rounds each
	@$(PYTHON) deploy/bootstrap.py --dev
	$(CLEAN) M1_RACE_ROUNDS=2000 .venv/bin/python -m pytest -q -m races

faults:  ## each step times each fault, one by one, then 20 minutes of random kills; SOAK=seconds
	@$(PYTHON) deploy/bootstrap.py --dev
	$(CLEAN) M1_TEST_FAULTS=long M1_TEST_SOAK_SECONDS=$(or $(SOAK),1200) .venv/bin/python -m pytest -q tests/faults

brokers:  ## the main job and its faults on Redis, Valkey and RabbitMQ, one after the other
	@$(PYTHON) deploy/bootstrap.py --dev
	@for broker in redis valkey rabbitmq; do echo $$broker; $(CLEAN) M1_TEST_BROKER=$$broker .venv/bin/python -m pytest \
		-q tests/test_brokers.py tests/test_main_job.py tests/services/test_servers.py || exit 1; done

screenshots:  ## photograph every screen into var/screens, and docs/screens.md with its pictures anew
	@$(PYTHON) deploy/bootstrap.py --dev --browser
	@mkdir -p var/screens docs/images/screens
	$(CLEAN) .venv/bin/python -c "from tests.screens import chosen; chosen.PAGE.write_text(chosen.page())"
	$(CLEAN) DJANGO_ALLOW_ASYNC_UNSAFE=1 M1_TEST_SHOTS=var/screens M1_TEST_DOCS=1 \
		.venv/bin/python -m pytest -q tests/e2e/test_axe.py

lock:  ## write the locks anew; UPGRADE=1 takes newer versions
	@$(PYTHON) deploy/bootstrap.py
	echo 'uv>=0.13,<0.14' | $(UV_COMPILE) $(if $(UPGRADE),--upgrade) - -o deploy/requirements-uv.txt
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra demo -o deploy/requirements.txt
	$(UV_COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --extra demo --extra dev -c deploy/requirements.txt -o deploy/requirements-dev.txt
