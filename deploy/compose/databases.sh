#!/bin/bash
# Runs once, when the database server's volume is new: a database for each log and for the monitor, which only
# its own user may enter. Who holds the password of one can neither read nor write another.
set -eu
for log in rekor ct monitor; do
  psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
\\set password \`cat /run/secrets/${log}_database_password\`
create role ${log} login password :'password';
create database ${log} owner ${log};
revoke all on database ${log} from public;
SQL
done
