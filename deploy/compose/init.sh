#!/bin/sh
# Makes the random passwords that docker-compose.yml wants, and the .env that says where they are. Run it once, before the
# first start. What exists is kept: the databases and keys in the volumes know only their old passwords.
#
#   deploy/compose/init.sh [FOLDER [ENV_FILE]]
set -eu
umask 077
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/deploy/compose/secrets}
env_file=${2:-$root/.env}

# The folder keeps other users out. The files in it may be read by all, since in the containers they are
# read by users who are nobody on this machine.
mkdir -p "$folder"
chmod 0700 "$folder"
folder=$(cd "$folder" && pwd)

keep() {
  if [ ! -e "$folder/$1" ]; then
    printf '%s\n' "$2" > "$folder/$1.new"
    chmod 0444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $folder/$1"
  fi
}
random() { od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'; }
password() { keep "$1" "$(random)"; }

password postgres-password
password rekor-database-password
password ct-database-password
password monitor-database-password
password monitor-token
password console-session-key
password redis-password
password oidc-cache-secret
password ca-key-password
password rekor-key-password
password rekor-v2-key-password
password ct-key-password
password tuf-key-password
password tsa-key-password

# The same passwords in the form that their readers want.
keep rekor-database-url "postgres://rekor:$(cat "$folder/rekor-database-password")@postgres:5432/rekor"
keep ct-database-url "postgres://ct:$(cat "$folder/ct-database-password")@postgres:5432/ct"
keep monitor-database-url "postgres://monitor:$(cat "$folder/monitor-database-password")@postgres:5432/monitor"
keep redis-url "redis://:$(cat "$folder/redis-password")@redis:6379"
keep redis-conf "requirepass $(cat "$folder/redis-password")"

if ! grep -qs '^SIGSTACK_SECRETS=' "$env_file"; then
  printf 'SIGSTACK_SECRETS=%s\n' "$folder" >> "$env_file"
  echo "wrote $env_file"
fi
