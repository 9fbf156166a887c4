# PostgreSQL with the extensions that the views need.
FROM postgres:15-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-15-hll postgresql-15-tdigest \
    && rm -rf /var/lib/apt/lists/*
