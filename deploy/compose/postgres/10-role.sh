#!/bin/sh
# Makes the role that `ordain serve` connects as, and its database. The role owns its tables and nothing else: it is no
# superuser and has no BYPASSRLS, so that row-level security holds for it. PostgreSQL's image runs this as superuser
# when the data is new. Without the image: PGUSER=postgres ORDAIN_PASSWORD_FILE=… sh 10-role.sh
set -eu

password=$(cat "${ORDAIN_PASSWORD_FILE:-/run/secrets/ordain-password}")

psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$password" \
  --username "${POSTGRES_USER:-${PGUSER:-postgres}}" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
CREATE ROLE ordain LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE ordain OWNER ordain;
REVOKE CONNECT, TEMPORARY ON DATABASE ordain FROM PUBLIC;
SQL
